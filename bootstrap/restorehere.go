package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
)

// A cluster that is made by hand is restored as it was begun: on one machine, which then is its only control plane. The others cannot be
// asked or stopped from here; they join anew.

// RestoringHere says which machine that is, where it does not know that itself.
type RestoringHere struct {
	Archive string     // whose cluster it is, on a machine that is in none
	Node    string     // name; "" for the one that it has, or the host's
	Address netip.Addr // invalid for the one that it has, or that suggested finds
	Bundle  string     // path; "" to look beside the program
}

// Cluster is the cluster with this machine as its only node, and its name there. The others are the control planes that this machine
// knew of. Nothing is kept yet.
func (h RestoringHere) Cluster() (c *spec.Cluster, here string, others []spec.Node, err error) {
	return h.cluster(layout.Home)
}

// cluster is Cluster on a machine with that home.
func (h RestoringHere) cluster(home string) (*spec.Cluster, string, []spec.Node, error) {
	c, here, err := Own()
	switch {
	case err == nil:
		return h.again(c, here)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, "", nil, err
	case exists(home + "/inventory.json"):
		return nil, "", nil, &RestoreError{"slipway apply made this machine, from a cluster's file elsewhere", "where that file is: slipway restore -f FILE ARCHIVE; or slipway reset --purge here, which takes the machine out of its cluster, and then restore on it"}
	}
	return h.anew()
}

// again is for a machine of the cluster.
func (h RestoringHere) again(c *spec.Cluster, here string) (*spec.Cluster, string, []spec.Node, error) {
	self := c.Nodes[slices.IndexFunc(c.Nodes, func(n spec.Node) bool { return n.Name == here })]
	switch {
	case self.Role != spec.ControlPlane:
		return nil, "", nil, &RestoreError{"this machine is a worker of its cluster", "restore on a control plane, or on a machine that is in no cluster: slipway reset --purge makes this one such"}
	case h.Node != "" && h.Node != here:
		return nil, "", nil, &FlagError{"node-name", fmt.Errorf("this machine is %s in its cluster", here)}
	case h.Address.IsValid() && h.Address != self.Address:
		return nil, "", nil, &FlagError{"address", fmt.Errorf("this machine has the address %s in its cluster", self.Address)}
	}
	others := slices.DeleteFunc(c.ControlPlanes(), func(n spec.Node) bool { return n.Name == here })
	c, err := only(c, self, h.Bundle)
	return c, here, others, err
}

// anew is for a machine that is in no cluster: what it becomes part of stands in the archive.
func (h RestoringHere) anew() (*spec.Cluster, string, []spec.Node, error) {
	a, err := archive.Open(h.Archive)
	if err != nil {
		return nil, "", nil, err
	}
	from, text := a.Manifest().Node, a.Spec()
	if err := a.Close(); err != nil {
		return nil, "", nil, err
	}
	c, err := readNamed("the declaration in "+h.Archive, text, h.Bundle)
	if err != nil {
		return nil, "", nil, err
	}
	if balancers := slices.DeleteFunc(slices.Clone(c.Nodes), func(n spec.Node) bool { return n.Role != spec.LoadBalancer }); len(balancers) > 0 {
		return nil, "", nil, &RestoreError{fmt.Sprintf("in %s machines of their own hold the endpoint (%s), which have to be told of this one", h.Archive, balancers[0].Name), "restore with the cluster's file, over SSH: slipway restore -f FILE ARCHIVE"}
	}
	self, err := suggested(spec.Node{Name: h.Node, Role: spec.ControlPlane, Address: h.Address}, c.EndpointText())
	if err != nil {
		return nil, "", nil, err
	}
	for _, n := range c.ControlPlanes() {
		if n.Name == self.Name || n.Name == from && self.Taints == nil {
			self.Taints = n.Taints
		}
		if n.Name == self.Name {
			self.Labels = n.Labels
		}
	}
	others := slices.DeleteFunc(c.ControlPlanes(), func(n spec.Node) bool { return n.Address == self.Address })
	c, err = only(c, self, h.Bundle)
	return c, self.Name, others, err
}

// only is c with that one node.
func only(c *spec.Cluster, self spec.Node, bundle string) (*spec.Cluster, error) {
	alone := *c
	alone.Nodes = []spec.Node{self}
	if alone.LoadBalancer.Kind == spec.Direct {
		alone.Endpoint = netip.AddrPort{} // it is the machine's own address
	}
	return readNamed(ownFile, spec.Write(&alone), bundle)
}

// judgeHere is judgeFormer where no other machine can be asked.
func (r *Run) judgeHere(ctx context.Context, m *machine, confirmed bool) error {
	if port := r.listens(ctx, m.node.Address); port != 0 {
		return &UnfitError{preflight.Finding{Node: m.node.Name, What: fmt.Sprintf("it takes connections at %s, port %d", m.node.Address, port),
			Remedy: "two clusters must not run side by side: slipway reset --purge on it, or switch it off"}}
	}
	if !confirmed {
		return &UnfitError{preflight.Finding{Node: m.node.Name, What: fmt.Sprintf("it was a control plane at %s, and whether it is dead or only out of reach cannot be told from here", m.node.Address),
			Remedy: "see to it that it stays off, or was taken off by slipway reset, and say so: --gone " + m.node.Name}}
	}
	return nil
}

// keepHere keeps what this machine is from now on. One that was in no cluster is part of it from the first step on; one that was is so from when
// the journal knows the others.
func (r *Run) keepHere(journal bool) error {
	if r.Here == "" || !journal && exists(ownFile) {
		return nil
	}
	return r.keepDeclaration()
}

// restoreCommand is what goes on with a restore, but for the archive.
func (r *Run) restoreCommand() string {
	if r.Here != "" {
		return "slipway restore"
	}
	return "slipway restore -f " + r.Cluster.File
}
