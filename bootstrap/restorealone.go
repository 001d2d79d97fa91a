package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// RestoringHere says which machine that is, where it does not know that itself.
type RestoringHere struct {
	Archive    string     // whose cluster it is, on a machine that is in none
	Node       string     // name; "" for the one that it has, or the host's
	Address    netip.Addr // invalid for the one that it has, or that suggested finds
	Kubernetes string     // version; "" for that of the machine's cluster or of the archive
	Bundle     string     // path; "" to look beside the program
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
		return nil, "", nil, &RestoreError{"slipway apply made this machine, from a cluster's file elsewhere", "where that file is: slipway restore -f FILE ARCHIVE; or slipway reset here, which takes the machine out of its cluster, and then restore on it"}
	}
	return h.anew()
}

// again is for a machine of the cluster.
func (h RestoringHere) again(c *spec.Cluster, here string) (*spec.Cluster, string, []spec.Node, error) {
	self := c.Nodes[slices.IndexFunc(c.Nodes, func(n spec.Node) bool { return n.Name == here })]
	switch {
	case self.Role != spec.ControlPlane:
		return nil, "", nil, &RestoreError{"this machine is a worker of its cluster", "restore on a control plane, or on a machine that is in no cluster: slipway reset makes this one such"}
	case h.Node != "" && h.Node != here:
		return nil, "", nil, &FlagError{"node-name", fmt.Errorf("this machine is %s in its cluster", here)}
	case h.Address.IsValid() && h.Address != self.Address:
		return nil, "", nil, &FlagError{"address", fmt.Errorf("this machine has the address %s in its cluster", self.Address)}
	}
	if err := h.agrees(c); err != nil {
		return nil, "", nil, err
	}
	others := slices.DeleteFunc(c.ControlPlanes(), func(n spec.Node) bool { return n.Name == here })
	c, err := h.only(c, self)
	return c, here, others, err
}

// agrees refuses to restore a cluster as this machine keeps it where the archive has another declaration: a file elsewhere looked after it
// since. Nodes and version are what may differ. A bare snapshot has none; what is no archive, or another cluster's, is told of later.
func (h RestoringHere) agrees(own *spec.Cluster) error {
	a, err := archive.Open(h.Archive)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	text := a.Spec()
	if err := a.Close(); err != nil {
		return err
	}
	archived, err := readPast(h.Archive, text, own.Kubernetes)
	if err != nil {
		return err
	}
	if archived.Name != own.Name || essence(own) == essence(archived) {
		return nil
	}
	return &RestoreError{fmt.Sprintf("%s and the declaration in %s differ in more than nodes and version: the cluster was looked after from elsewhere", ownFile, h.Archive),
		"restore with the file that says what the cluster is: slipway restore -f FILE ARCHIVE"}
}

// essence is what c says of the cluster as a whole.
func essence(c *spec.Cluster) string {
	whole := *c
	whole.Nodes, whole.Kubernetes, whole.LoadBalancer.Interface = nil, "", "" // of machines, and what is meant to differ
	if whole.LoadBalancer.Kind == spec.Direct {
		whole.Endpoint = netip.AddrPort{}
	}
	return string(spec.Write(&whole))
}

// anew is for a machine that is in no cluster: what it becomes part of stands in the archive.
func (h RestoringHere) anew() (*spec.Cluster, string, []spec.Node, error) {
	if _, err := os.Stat(h.Archive); err != nil {
		return nil, "", nil, &RestoreError{err.Error(), "name an archive"}
	}
	a, err := archive.Open(h.Archive)
	if err != nil && h.bare() {
		return nil, "", nil, &RestoreError{h.Archive + " is a bare snapshot of etcd, with neither the keys nor the declaration of its cluster", "restore an archive here, or the snapshot on a control plane that has its keys still"}
	}
	if err != nil {
		return nil, "", nil, err
	}
	from, text := a.Manifest().Node, a.Spec()
	if err := a.Close(); err != nil {
		return nil, "", nil, err
	}
	c, err := h.declared(text)
	if err != nil {
		return nil, "", nil, err
	}
	if balancers := slices.DeleteFunc(slices.Clone(c.Nodes), func(n spec.Node) bool { return n.Role != spec.LoadBalancer }); len(balancers) > 0 {
		return nil, "", nil, &RestoreError{fmt.Sprintf("in %s machines of their own hold the endpoint (%s), which have to be told of this one", h.Archive, balancers[0].Name), "restore with the cluster's file, over SSH: slipway restore -f FILE ARCHIVE"}
	}
	self, err := h.self(c, from)
	if err != nil {
		return nil, "", nil, err
	}
	if _, err := net.InterfaceByName(c.LoadBalancer.Interface); err != nil {
		c.LoadBalancer.Interface = "" // another machine's: that with its address is found
	}
	others := slices.DeleteFunc(c.ControlPlanes(), func(n spec.Node) bool { return n.Address == self.Address })
	c, err = h.only(c, self)
	return c, self.Name, others, err
}

// self is what this machine is in c: what a node of its name was, and as tainted as that whose member gave the archive.
func (h RestoringHere) self(c *spec.Cluster, from string) (spec.Node, error) {
	self, err := suggested(spec.Node{Name: h.Node, Role: spec.ControlPlane, Address: h.Address}, c.EndpointText())
	if err != nil {
		return self, err
	}
	for _, n := range c.ControlPlanes() {
		if n.Name == self.Name || n.Name == from && self.Taints == nil {
			self.Taints = n.Taints
		}
		if n.Name == self.Name {
			self.Labels = n.Labels
		}
	}
	if self.Taints == nil && len(c.Workers()) > 0 { // which a file need not say
		self.Taints = []spec.Taint{controlPlaneTaint}
	}
	return self, nil
}

// declared is the cluster as the archive has it, which may be of a version that is not made any more: then people say of which it is to be.
func (h RestoringHere) declared(text []byte) (*spec.Cluster, error) {
	if h.Kubernetes != "" {
		return readPast(h.Archive, text, h.Kubernetes)
	}
	return readNamed("the declaration in "+h.Archive, text, h.Bundle)
}

// bare reports whether it is a snapshot that is given.
func (h RestoringHere) bare() bool {
	f, err := os.Open(h.Archive)
	if err != nil {
		return false
	}
	defer f.Close()
	return isDatabase(f)
}

// only is c with that one node.
func (h RestoringHere) only(c *spec.Cluster, self spec.Node) (*spec.Cluster, error) {
	alone := *c
	alone.Nodes, alone.Kubernetes = []spec.Node{self}, cmp.Or(h.Kubernetes, c.Kubernetes)
	if alone.LoadBalancer.Kind == spec.Direct && alone.EndpointName == "" {
		alone.Endpoint = netip.AddrPort{} // it is the machine's own address
	}
	return readNamed(ownFile, spec.Write(&alone), h.Bundle)
}
