package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
)

// former is a machine that was part of the cluster and is not declared any more, at its address: a control plane, or the
// machine of a node whose name is another's by now. What it would go on with is a second cluster beside the restored one.
type former struct{ *machine }

func (f *former) String() string { return fmt.Sprintf("%s (%s)", f.node.Name, f.node.Address) }

func (r *restoring) formerMachines() (out []*machine) {
	for _, f := range r.former {
		out = append(out, f.machine)
	}
	return out
}

// findFormer looks for them: those that answer will be stopped, and of the others somebody has to say that they are dead.
func (r *Run) findFormer(ctx context.Context) error {
	candidates, err := r.candidates(ctx)
	if err != nil {
		return err
	}
	if err := r.guardGone(candidates); err != nil {
		return err
	}
	for _, n := range candidates {
		r.restore.former = append(r.restore.former, &former{&machine{node: n}})
	}
	if err := r.eachStage("former", r.restore.formerMachines(), func(m *machine, _ event.Sink) error { return r.judgeFormer(ctx, m) }); err != nil {
		return err
	}
	r.restore.former = slices.DeleteFunc(r.restore.former, func(f *former) bool {
		other := f.host != nil && f.facts.Cluster != r.certs.ClusterID() // it is clean, or somebody else's, by now
		if other {
			_ = f.host.Close() // nothing was written that could be lost
		}
		return other
	})
	j := &r.restore.journal
	j.Former = nil
	for _, f := range r.restore.former {
		j.Former = append(j.Former, was{f.node.Name, f.node.Role, f.node.Address})
	}
	return nil
}

// candidates are known from the state directory, or where that is empty from the archive, and from whatever member still answers
// and whatever manifest is still there.
func (r *Run) candidates(ctx context.Context) ([]spec.Node, error) {
	known, err := r.dir.Nodes()
	if err != nil {
		return nil, err
	}
	switch {
	case r.Here != "": // what a machine of a cluster made by hand keeps of the others may be nothing
		archived, err := r.archivedPlanes()
		if err != nil {
			return nil, err
		}
		known = slices.Concat(known, r.restore.from.Others, archived)
	case known == nil:
		known = r.restore.source.members
	}
	var out []spec.Node
	add := func(n spec.Node) {
		at := func(o spec.Node) bool { return o.Address == n.Address }
		if (n.Role == spec.ControlPlane || r.declares(n.Name)) && !slices.ContainsFunc(r.Cluster.Nodes, at) && !slices.ContainsFunc(out, at) {
			if n.SSH.User == "" {
				n.SSH = r.Cluster.SSH
			}
			out = append(out, n)
		}
	}
	for _, w := range r.restore.journal.Former { // the state directory may have forgotten them already
		add(spec.Node{Name: w.Name, Role: w.Role, Address: w.Address})
	}
	for _, n := range known { // by the names that they had last
		add(n)
	}
	for _, m := range r.controlPlanes() {
		if m.facts.Cluster != r.certs.ClusterID() {
			continue
		}
		live, err := r.peersOf(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, n := range live {
			add(n)
		}
	}
	slices.SortStableFunc(out, func(a, b spec.Node) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// guardGone refuses to take for dead what is declared, or what nobody knows: a name is easily mistyped.
func (r *Run) guardGone(candidates []spec.Node) error {
	for _, name := range r.restore.from.Gone {
		if slices.ContainsFunc(candidates, func(n spec.Node) bool { return n.Name == name }) {
			continue
		}
		if r.Here != "" {
			if here, err := r.wasHere(name); err != nil {
				return err
			} else if here {
				return &RestoreError{"--gone " + name + ": it was this machine, by its name or its address", "leave it out of --gone: what it was ends with the restore"}
			}
		}
		why := "no control plane of that name was part of the cluster"
		if r.declares(name) {
			why = "it is in the file, at the address that it had: take its block out, or give it its new address"
		}
		return &RestoreError{"--gone " + name + ": " + why, "name control planes that there were and that are not declared any more"}
	}
	return nil
}

// judgeFormer finds out whether m still answers.
func (r *Run) judgeFormer(ctx context.Context, m *machine) (err error) {
	confirmed := slices.Contains(r.restore.from.Gone, m.node.Name)
	refuse := func(what, remedy string) error {
		return &UnfitError{preflight.Finding{Node: m.node.Name, What: what, Remedy: remedy}}
	}
	if r.Here != "" {
		return r.judgeHere(ctx, m, confirmed)
	}
	if m.unreached = r.reach(ctx, m); ctx.Err() != nil {
		return ctx.Err()
	}
	if m.unreached == nil {
		if m.facts, err = m.agent.Facts(ctx, node.Ask{}); err != nil || m.facts.Cluster != r.certs.ClusterID() {
			return err
		}
		if confirmed {
			return refuse(fmt.Sprintf("it answers at %s, although --gone names it", m.node.Address), "leave it out of --gone: it is stopped first, and cleaned at the end; or power it off")
		}
		return nil
	}
	if port := r.listens(ctx, m.node.Address); port != 0 {
		return refuse(fmt.Sprintf("it still answers at %s, port %d, and cannot be stopped: %v", m.node.Address, port, m.unreached), "two clusters must not run side by side: make it reachable by SSH, or power it off")
	}
	if !confirmed {
		return refuse(fmt.Sprintf("it was a control plane at %s, is not declared there any more, and does not answer: %v", m.node.Address, m.unreached),
			"if it only cannot be reached, the cluster that it is part of may go on there: bring it back, and it is stopped; if it is dead for good, say so: --gone "+m.node.Name)
	}
	return nil
}

// retireFormer cleans those that answer, and remembers the others, so that the first apply that reaches one cleans it. A cluster that is
// made by hand has no such apply: whoever wants them again takes them off by hand.
func (r *Run) retireFormer(ctx context.Context) error {
	var reached []*machine
	for _, f := range r.restore.former {
		if f.host != nil {
			reached = append(reached, f.machine)
			continue
		}
		known := slices.ContainsFunc(r.gone, func(m *machine) bool { return m.node.Name == f.node.Name && m.left != "" })
		if r.Here == "" && !r.declares(f.node.Name) && !known {
			r.gone = append(r.gone, &machine{node: f.node, left: r.certs.ClusterID(), unreached: f.unreached})
		}
		r.Sink.Emit(event.Event{Kind: event.Warning, Node: f.node.Name, Message: fmt.Sprintf("its machine at %s does not answer and could not be cleaned: it has its certificates still; keep it off the network, or install it anew", f.node.Address)})
	}
	return r.eachStage("clean", reached, func(m *machine, sink event.Sink) error { return r.clean(ctx, m, false, sink) })
}
