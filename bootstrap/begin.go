package bootstrap

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// A control plane that was begun or joined by hand keeps the cluster's file and state directory itself.
const (
	ownDir   = layout.Home + "/cluster"
	ownFile  = ownDir + "/cluster.hcl"
	ownState = ownDir + "/state"
)

// draftName stands for the file in errors about what flags have made of it.
const draftName = "flags"

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

// readOwn writes text to path and reads it as this machine's own cluster.
func readOwn(path string, text []byte, bundle string) (*spec.Cluster, error) {
	if err := renameio.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	return spec.Read(path, spec.LoadOptions{NoSSH: true, Growing: true, StateDir: filepath.Join(filepath.Dir(path), filepath.Base(ownState)), Bundle: bundle})
}

// readDraft reads text as this machine's own cluster without keeping it.
func readDraft(text []byte, bundle string) (*spec.Cluster, error) {
	return readNamed(draftName, text, bundle)
}

// readNamed is readDraft for a text that errors are to call by that name.
func readNamed(name string, text []byte, bundle string) (*spec.Cluster, error) {
	return spec.Read(name, spec.LoadOptions{NoSSH: true, Growing: true, Text: text, StateDir: ownState, Bundle: bundle})
}

// text is the cluster's file.
func (b Beginning) text() ([]byte, error) {
	if b.File != "" {
		c, err := spec.Read(b.File, spec.LoadOptions{NoSSH: true})
		if err != nil {
			return nil, err
		}
		if len(c.Nodes) != 1 || c.Nodes[0].Role != spec.ControlPlane {
			return nil, c.Refuse(spec.Objection{At: c.Places.Cluster, Summary: "Not one control plane",
				Detail: fmt.Sprintf("init begins a cluster with this machine alone, so the file must declare one node, a control plane, and it declares %d. The others join; or have slipway apply make them all over SSH.", len(c.Nodes))})
		}
		unknown, err := unknownFlags(c)
		if err != nil {
			return nil, err
		}
		if err := c.Refuse(unknown...); err != nil {
			return nil, err
		}
		return spec.Write(c), nil
	}
	c, err := b.cluster()
	if err != nil {
		return nil, err
	}
	return spec.Write(c), nil
}

func (b Beginning) cluster() (c *spec.Cluster, err error) {
	c = &spec.Cluster{
		Name: cmp.Or(b.Name, "kubernetes"), Kubernetes: b.Kubernetes,
		Network: spec.Network{Pods: b.Pods, Services: b.Services, Proxy: b.Proxy}, PKI: spec.PKI{ExtraSANs: b.ExtraSANs},
	}
	c.LoadBalancer.Kind = cmp.Or(b.LoadBalancer, spec.Direct)
	if b.Endpoint != "" {
		c.LoadBalancer.Kind = cmp.Or(b.LoadBalancer, spec.VIP)
		if c.Endpoint, c.EndpointName, err = spec.ParseEndpoint(b.Endpoint); err != nil {
			return nil, &FlagError{"endpoint", err}
		}
	}
	n := spec.Node{Name: b.Node, Role: spec.ControlPlane, Address: b.Address, Taints: []spec.Taint{}}
	if !b.Single {
		n.Taints = []spec.Taint{controlPlaneTaint}
	}
	if n, err = suggested(n, b.Endpoint); err != nil {
		return nil, err
	}
	c.Nodes = []spec.Node{n}
	if c.Kubernetes == "" {
		c.Kubernetes, err = versionAt(b.Bundle)
	}
	return c, err
}

// versionAt is the version of Kubernetes of the bundle at path; without a path, the newest of which there is a bundle
// where Slipway looks for them.
func versionAt(path string) (string, error) {
	if path != "" {
		b, err := bundle.Open(path)
		if err != nil {
			return "", err
		}
		return b.Manifest().Kubernetes, b.Close()
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, version := range slices.Backward(spec.SupportedKubernetes()) {
		if _, err = bundle.Find(".", self, version); err == nil {
			return version, nil
		}
	}
	return "", fmt.Errorf("no bundle was found: name one with --bundle (%w)", err)
}
