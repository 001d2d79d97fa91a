//go:build linux

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
)

const (
	ourNetwork  = "10-slipway.conflist" // what the pod network's agent writes
	ourBook     = "/run/cni/networks/slipway"
	theirBooks  = "/var/lib/cni/networks" // host-local's, unless it is told another
	inFlight    = 3 * time.Second         // a pod that is being given its address by the network before
	retiredHint = ".replaced-by-slipway"
)

// AdoptNetwork makes containerd use Slipway's network for new pods where the flannel before left a configuration that
// comes first. Pods that run keep their addresses: those are entered in the new book before it is used, so that no pod is
// given one of them. Idempotent; without another configuration it does nothing.
func (m Machine) AdoptNetwork(ctx context.Context) error {
	release, err := m.lock(ctx, lockPatience)
	if err != nil {
		return err
	}
	defer release()
	before, err := m.otherNetworks()
	if err != nil || len(before) == 0 {
		return err
	}
	if _, err := os.Stat(m.path(layout.PodNetworks, ourNetwork)); err != nil {
		return fmt.Errorf("the pod network's agent has not configured this machine yet: %w", err)
	}
	copyAll := func() error {
		for _, name := range before {
			if err := m.copyBook(name); err != nil {
				return err
			}
		}
		return nil
	}
	if err := copyAll(); err != nil {
		return err
	}
	for path := range before {
		if err := os.Rename(path, path+retiredHint); err != nil {
			return err
		}
		m.emit(event.Event{Kind: event.Changed, Subject: "network", Message: filepath.Base(path) + " is no longer used"})
	}
	select { // until whoever read the old configuration has his address
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(inFlight):
	}
	return copyAll()
}

// otherNetworks are the names of the networks that containerd would take before ours, by the file that says so.
func (m Machine) otherNetworks() (map[string]string, error) {
	list, err := os.ReadDir(m.path(layout.PodNetworks))
	if err != nil {
		return nil, ignore(fs.ErrNotExist, err)
	}
	out := map[string]string{}
	for _, e := range list {
		known := slices.Contains([]string{".conf", ".conflist", ".json"}, filepath.Ext(e.Name()))
		if !known || e.Name() == ourNetwork {
			continue
		}
		path := m.path(layout.PodNetworks, e.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var network struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(text, &network); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[path] = network.Name
	}
	return out, nil
}

// copyBook enters the addresses that are taken in the network of that name in ours. Each is a file called as the address, which
// holds the pod that has it: https://github.com/containernetworking/plugins/blob/v1.9.1/plugins/ipam/host-local/backend/disk/backend.go
func (m Machine) copyBook(name string) error {
	if name == "" || strings.ContainsAny(name, "/") {
		return fmt.Errorf("a network is called %q", name)
	}
	list, err := os.ReadDir(m.path(theirBooks, name))
	if err != nil {
		return ignore(fs.ErrNotExist, err)
	}
	if err := os.MkdirAll(m.path(ourBook), 0o755); err != nil {
		return err
	}
	for _, e := range list {
		if e.Name() == "lock" || e.IsDir() {
			continue
		}
		text, err := os.ReadFile(m.path(theirBooks, name, e.Name()))
		if errors.Is(err, fs.ErrNotExist) { // its pod has ended meanwhile
			continue
		}
		if err != nil {
			return err
		}
		w, err := os.OpenFile(m.path(ourBook, e.Name()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
	}
	return nil
}
