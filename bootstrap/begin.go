package bootstrap

import (
	"bytes"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// Beginning is what init is told of the cluster that it begins on this machine. The zero value stands for
// what this machine and its bundle suggest.
type Beginning struct {
	File         string // a cluster's file with this one node; the other fields but Bundle are then unused
	Bundle       string // path of the bundle; "" to look beside the program
	Name         string // of the cluster
	Kubernetes   string
	Node         string     // name; "" for the host's
	Address      netip.Addr // invalid for the one that suggested finds
	Endpoint     string
	LoadBalancer spec.LBKind // "" for a shared address where there is an endpoint, and none where not
	Pods         netip.Prefix
	Services     netip.Prefix
	Proxy        string
	ExtraSANs    []string
	Single       bool // workloads run here too
}

// FlagError is a flag that cannot be what it is.
type FlagError struct {
	flag string
	err  error
}

func (e *FlagError) Error() string { return "--" + e.flag + ": " + e.err.Error() }
func (e *FlagError) Unwrap() error { return e.err }

// ExistsError is a machine that is in a cluster already: one that was begun there with other settings, which Path
// holds, or, without a Path, one that was made elsewhere.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string {
	if e.Path == "" {
		return "this machine is in a cluster already, which was not begun on it"
	}
	return "a cluster was begun on this machine with other settings, which " + e.Path + " holds"
}

// Remedy is what to do then.
func (e *ExistsError) Remedy() string {
	if e.Path == "" {
		return "take it out of that cluster first, with slipway reset, or use another machine"
	}
	return "run init with those settings (init -f " + e.Path + ") to finish or repair it, slipway upgrade for another version of Kubernetes, or slipway reset to take it off first"
}

// Begin turns b into a cluster with this machine as its one node, and keeps it on this machine. Begun again with the
// same settings, it is the same cluster; with others it is an *ExistsError and nothing is changed, unless nothing
// had come of the first, as when this machine was found unfit for it.
func Begin(b Beginning) (*spec.Cluster, error) { return b.keep(layout.Home) }

// keep is Begin on a machine with that home.
func (b Beginning) keep(home string) (*spec.Cluster, error) {
	text, err := b.text()
	if err != nil {
		return nil, err
	}
	c, err := readDraft(text, b.Bundle)
	if err != nil {
		return nil, err
	}
	text = spec.Write(c) // with what was not said, so that the file, begun again with -f, says the same
	dir := filepath.Join(home, filepath.Base(ownDir))
	file := filepath.Join(dir, filepath.Base(ownFile))
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	changed, begun := exists(filepath.Join(home, "inventory.json")), exists(filepath.Join(dir, filepath.Base(ownState)))
	switch same := bytes.Equal(before, text); {
	case changed && begun && !same && grown(before, c) != nil:
		return nil, grown(before, c)
	case changed && !begun:
		return nil, &ExistsError{}
	case changed && !same:
		return nil, &ExistsError{file}
	case !same:
		// No step was taken: its keys are on this machine alone, and nothing uses them.
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return readOwn(file, text, b.Bundle)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// GrownError is a cluster that was begun on this machine and has other control planes by now.
type GrownError struct{ others []string }

func (e *GrownError) Error() string {
	return "the cluster that was begun on this machine has other control planes by now: " + strings.Join(e.others, ", ")
}

// Remedy is what to do then.
func (e *GrownError) Remedy() string {
	return "init has nothing more to do here; slipway join --control-plane makes more of them, slipway reset takes this machine out"
}

// grown tells of the other control planes if the cluster in the file that was kept is c with more of them, and nil if not.
func grown(kept []byte, c *spec.Cluster) error {
	before, err := readDraft(kept, c.Bundle)
	if err != nil {
		return nil //nolint:nilerr // whatever it is, it is not c
	}
	var others []string
	for _, n := range before.ControlPlanes() {
		if n.Name != c.Nodes[0].Name {
			others = append(others, n.Name)
		}
	}
	first := *before
	first.Nodes = slices.DeleteFunc(slices.Clone(before.Nodes), func(n spec.Node) bool { return n.Name != c.Nodes[0].Name })
	if len(others) == 0 || !bytes.Equal(spec.Write(&first), spec.Write(c)) {
		return nil
	}
	return &GrownError{others}
}
