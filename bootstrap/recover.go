package bootstrap

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/pki"
)

// recoverCerts rebuilds a lost state directory from the machines. It is nil where none of them holds
// a cluster's authority: then the cluster is new.
func (r *Run) recoverCerts(ctx context.Context) (*pki.Set, error) {
	var mu sync.Mutex
	found := map[string]map[string][]byte{}
	err := each(r.machines, func(m *machine) error {
		files, err := fetch(ctx, m, pki.RecoverPaths(m.node.Role))
		mu.Lock()
		defer mu.Unlock()
		if len(files) > 0 {
			found[m.node.Name] = files
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	holds, sealed := false, false
	for name, files := range found {
		if err := r.guardAdoption(name, files); err != nil {
			return nil, err
		}
		_, key := files[layout.PKI+"/ca.key"]
		holds = holds || key
		_, key = files[pki.EncryptionPath]
		sealed = sealed || key
	}
	switch {
	case !holds:
		return nil, nil
	case !sealed && !r.TakeOver: // Slipway's control planes have the key to their Secrets
		return nil, &TakeOverError{slices.Sorted(maps.Keys(found))}
	case !sealed:
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: "the cluster's authorities were fetched from its control planes"})
		return pki.Adopt(found)
	}
	r.Sink.Emit(event.Event{Kind: event.Warning, Message: "the state directory was empty: its certificates and keys were fetched back from the machines"})
	return pki.Rebuild(found)
}

// fetch reads files that may be missing. Their contents stay in memory.
func fetch(ctx context.Context, m *machine, paths []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, path := range paths {
		var text bytes.Buffer
		err := m.host.Run(ctx, host.Command{Args: []string{"sh", "-c", `test ! -e "$1" || cat -- "$1"`, "slipway-fetch", path}, Stdout: &text, Root: true})
		if err != nil {
			return nil, err
		}
		if text.Len() > 0 {
			files[path] = text.Bytes()
		}
	}
	return files, nil
}
