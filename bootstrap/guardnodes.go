package bootstrap

import (
	"errors"
	"fmt"
	"slices"

	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// guardNodes refuses what cannot be done to nodes that were applied: etcd's members know each other by their
// addresses, and a node's name and address are in its certificates and in objects that others made of it.
func (r *Run) guardNodes(before []spec.Node) (out []spec.Objection) {
	was, at := map[string]spec.Node{}, map[string]spec.Node{}
	kept, running := false, false
	for _, n := range before {
		was[n.Name], at[n.Address.String()] = n, n
		running = running || n.Role == spec.ControlPlane
		kept = kept || n.Role == spec.ControlPlane && slices.ContainsFunc(r.Cluster.ControlPlanes(), func(o spec.Node) bool { return o.Name == n.Name })
	}
	for _, n := range r.Cluster.Nodes {
		old, known := was[n.Name]
		other := at[n.Address.String()]
		switch {
		case known && old.Role != n.Role:
			out = append(out, about(n, "Changed role", "%s was applied as a %s. Write role = %q, or take the block out of the file, apply, and put it back with its new role.", n.Name, old.Role, old.Role))
		case known && old.Role == spec.ControlPlane && old.Address != n.Address:
			out = append(out, about(n, "Changed address", "The address of a control plane cannot be changed in place: %s was applied as %s. Write address = %q, or replace the node by one of another name, which joins etcd anew.", n.Name, old.Address, old.Address))
		case known && old.Address != n.Address:
			out = append(out, about(n, "Changed address", "%s was applied as %s, and a node's address cannot be changed in place. Write address = %q, or take the block out of the file, apply, and put it back with its new address.", n.Name, old.Address, old.Address))
		case other.Name != "" && other.Name != n.Name && !known:
			out = append(out, about(n, "Changed name", "The machine at %s was applied as %s, and a node cannot be renamed in place. Write node %q, or take the block out of the file, apply, and put it back with its new name.", n.Address, other.Name, other.Name))
		}
	}
	if running && !kept {
		out = append(out, spec.Objection{At: r.Cluster.Places.Cluster, Summary: "All control planes replaced",
			Detail: "None of the control planes that were applied is in the file any more, and the cluster's data is on them. Keep one, apply, and take it out when the others have joined."})
	}
	return out
}

// guardSkipped refuses machines that were skipped when the cluster before was destroyed: a control plane among them
// would be taken for that cluster, still there, and the others for members that have lost their data.
func (r *Run) guardSkipped() (out []spec.Objection, err error) {
	left, err := r.dir.Left()
	if err != nil || len(left) == 0 {
		return nil, err
	}
	certs, err := r.stored()
	if err != nil && !errors.Is(err, statedir.ErrEmpty) {
		return nil, err
	}
	for _, n := range r.Cluster.Nodes {
		for _, l := range left {
			if l.Cluster != certs.ClusterID() && (l.Name == n.Name || l.Address == n.Address) {
				out = append(out, about(n, "Left by destroy", "%s (%s) did not answer when the cluster before was destroyed, and may still be part of it. When it answers, run slipway destroy -f %s; if a new cluster was made since, take the block out of the file, apply, and put it back.",
					l.Name, l.Address, r.Cluster.File))
			}
		}
	}
	return out, nil
}

// guardMachines refuses a machine that is another node of this cluster already, whatever the state directory
// knows: it would be that node and this one at once.
func (r *Run) guardMachines() error {
	var out []spec.Objection
	for _, m := range r.machines {
		if m.facts.Cluster == r.certs.ClusterID() && m.facts.Node != m.node.Name {
			out = append(out, about(m.node, "Another node's machine", "The machine at %s is %s of this cluster, and a node cannot be renamed in place. Write node %q, or take the block out of the file, apply, and put it back with its new name.", m.node.Address, m.facts.Node, m.facts.Node))
		}
	}
	return r.Cluster.Refuse(out...)
}

func about(n spec.Node, summary, detail string, args ...any) spec.Objection {
	return spec.Objection{At: n.Range, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
}
