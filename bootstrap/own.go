package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// A control plane that was begun or joined by hand keeps the cluster's file and state directory itself.
const (
	ownDir   = layout.Home + "/cluster"
	ownFile  = ownDir + "/cluster.hcl"
	ownState = ownDir + "/state"
)

// readOwn writes text to path and reads it as this machine's own cluster.
func readOwn(path string, text []byte, bundle string) (*spec.Cluster, error) {
	if err := renameio.WriteFile(path, text, 0o600); err != nil {
		return nil, err
	}
	return spec.Read(path, spec.LoadOptions{NoSSH: true, Growing: true, StateDir: filepath.Join(filepath.Dir(path), filepath.Base(ownState)), Bundle: bundle})
}

// keepDeclaration keeps what this machine was joined with, for the verbs that run on it later.
func (r *Run) keepDeclaration() error {
	if err := os.MkdirAll(ownDir, 0o700); err != nil {
		return err
	}
	_, err := readOwn(ownFile, spec.Write(r.Cluster), r.Cluster.Bundle)
	return err
}

// Own reads the cluster that this machine itself keeps, since it was begun or joined by hand, and the name of its
// node in it. The error is fs.ErrNotExist where it keeps none.
func Own() (c *spec.Cluster, here string, err error) {
	if c, err = ownCluster(); err != nil {
		return nil, "", err
	}
	addresses := ownPrefixes()
	for _, n := range c.Nodes {
		if slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return p.Addr() == n.Address }) {
			return c, n.Name, nil
		}
	}
	return nil, "", fmt.Errorf("%s names no node with an address of this machine: slipway init makes the cluster anew where nothing came of it, and slipway reset takes it off", ownFile)
}

// ownCluster is the cluster that this machine keeps, whether or not the machine still has its address there.
func ownCluster() (*spec.Cluster, error) {
	if _, err := os.Stat(ownFile); err != nil {
		return nil, err
	}
	return spec.Read(ownFile, spec.LoadOptions{NoSSH: true, Growing: true, StateDir: ownState})
}

// OwnPlace is what a machine has to be for slipway upgrade: one of a cluster that is made by hand.
func OwnPlace() (c *spec.Cluster, here spec.Node, err error) { return ownPlace(layout.Home) }

func ownPlace(home string) (c *spec.Cluster, here spec.Node, err error) {
	c, name, err := Own()
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists(filepath.Join(home, "inventory.json")):
		return nil, here, &UpgradeError{"slipway apply made this machine, from a cluster's file elsewhere", `where that file is: write kubernetes = "…" into it, and slipway apply -f FILE`}
	case errors.Is(err, fs.ErrNotExist):
		return nil, here, &UpgradeError{"this machine is in no cluster that was made by hand", "run this on a machine that slipway init or join made; with a cluster's file, slipway apply -f FILE upgrades"}
	case err != nil:
		return nil, here, err
	}
	i := slices.IndexFunc(c.Nodes, func(n spec.Node) bool { return n.Name == name })
	return c, c.Nodes[i], nil
}

// RefuseTakeBackHere is nil on machines that are not upgraded by hand.
func RefuseTakeBackHere() error {
	_, here, err := OwnPlace()
	if err != nil {
		return nil //nolint:nilerr // it is no such machine, and a file says which cluster is meant
	}
	what := "a change of version that is made by hand is not taken back"
	remedy := "it goes forward: slipway upgrade plan, on a control plane, shows what is left; a machine that does not come through is put back by itself"
	var j rollout
	if dir, err := statedir.View(ownState); err == nil && here.Role == spec.ControlPlane {
		if there, err := dir.Get(rolloutFile, &j); there && err == nil && j.Snapshot != "" {
			remedy += fmt.Sprintf("; what etcd held before %s is in %s", j.To, j.Snapshot)
		}
	}
	return &UpgradeError{what, remedy}
}
