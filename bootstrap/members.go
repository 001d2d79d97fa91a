package bootstrap

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/spec"
)

// membersFile keeps how those etcd members entered the membership that were not there from the start.
const membersFile = "etcd"

// recallMembers fills in how each member entered the membership: from the state directory or, where that does not
// know, from the machines' own manifests. Those that were there from the start need no entry.
func (r *Run) recallMembers(ctx context.Context) error {
	found, err := r.dir.Get(membersFile, &r.members)
	if err != nil || found || r.bare() {
		return err
	}
	members, in := map[string]components.Membership{}, components.Input{Cluster: r.Cluster}
	for _, m := range r.controlPlanes() {
		if m.facts.Cluster != r.certs.ClusterID() && !m.taken {
			continue
		}
		was, there, err := r.entered(ctx, m)
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		if there && was != in.Membership(m.node) {
			members[m.node.Name] = was
		}
	}
	r.members = members
	return r.dir.Put(membersFile, r.members)
}

// entered reads from the machine's manifest how its member entered the membership. A machine without one that can be
// read has no member that ran: it enters as if for the first time.
func (r *Run) entered(ctx context.Context, m *machine) (was components.Membership, there bool, err error) {
	files, err := fetch(ctx, m, []string{etcdManifest})
	if err != nil {
		return was, false, err
	}
	etcd, err := command(files, etcdManifest)
	if err != nil {
		return was, false, nil
	}
	was = components.Membership{Initial: option(etcd, "--initial-cluster"), Existing: option(etcd, "--initial-cluster-state") == "existing"}
	if token := option(etcd, "--initial-cluster-token"); token != r.certs.ClusterID() && !m.taken {
		was.Token = token
	}
	return was, was.Initial != "", nil
}

// rememberMembers keeps what is known of members, of a new cluster that there is nothing to be known.
func (r *Run) rememberMembers() error {
	if r.members == nil {
		r.members = map[string]components.Membership{}
	}
	return r.dir.Put(membersFile, r.members)
}

// freezeMembers fills in how those entered that were there from the start, before the file's control planes become others: what a
// member was told when it first started is no reason to restart it.
func (r *Run) freezeMembers(ctx context.Context) error {
	before, err := r.dir.Nodes()
	if err != nil {
		return err
	}
	was := slices.DeleteFunc(before, func(n spec.Node) bool { return n.Role != spec.ControlPlane })
	now := r.Cluster.ControlPlanes()
	same := slices.EqualFunc(was, now, func(a, b spec.Node) bool { return a.Name == b.Name && a.Address == b.Address })
	if r.members == nil {
		r.members = map[string]components.Membership{}
	}
	if same && !r.membership.changes() {
		return nil
	}
	old := components.Input{Cluster: &spec.Cluster{Nodes: was}}
	for _, m := range r.controlPlanes() {
		if _, recorded := r.members[m.node.Name]; recorded || r.membership.enters(m) || m.facts.Cluster != r.certs.ClusterID() {
			continue
		}
		found, there, err := r.entered(ctx, m)
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		if !there {
			found = old.Membership(m.node)
		}
		r.members[m.node.Name] = found
	}
	return nil
}

// foretell fills in how those will enter that have no member yet, for the plan: it is said again when each has its place.
func (r *Run) foretell() {
	ms := &r.membership
	members := slices.DeleteFunc(slices.Clone(ms.members), func(m etcd.Member) bool {
		return slices.Contains(ms.lost, m) || slices.ContainsFunc(ms.gone, func(g *machine) bool { return components.PeerURL(g.node) == m.Peer && ms.dead(g) })
	})
	for _, m := range r.controlPlanes() {
		if !ms.enters(m) {
			continue
		}
		self := etcd.Member{Name: m.node.Name, Peer: components.PeerURL(m.node)}
		if member, known := memberOf(members, m.node); known && member.Client != "" {
			continue // it has started, and what it was told must not change
		} else if !known {
			members = append(members, self)
		}
		r.members[m.node.Name] = entry(m.node, members)
	}
}

// initialCluster is how a member is told of those that there are.
func initialCluster(self spec.Node, others map[string]string) string {
	list := []string{}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		list = append(list, name+"="+others[name])
	}
	return strings.Join(append(list, self.Name+"="+components.PeerURL(self)), ",")
}
