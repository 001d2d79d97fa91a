package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// compareMembers compares etcd's members with the file's control planes: who enters, who leaves, and whose data is lost. Where no
// cluster serves there is nothing to compare, unless there is one that has lost its quorum, which is refused.
func (r *Run) compareMembers(ctx context.Context) error {
	r.membership = turnover{total: len(r.controlPlanes())}
	if r.Here != "" || r.taking {
		return nil
	}
	if err := r.findLeaving(ctx); err != nil {
		return err
	}
	if r.bare() && len(r.membership.gone) > 0 {
		return unfit(r.membership.gone[0].node.Name, "it is out of the file, and no control plane that is in it was ever part of this cluster: all of its data would be left behind",
			"put it back into the file, apply, and take it out when the others have joined")
	}
	if r.bare() {
		return nil
	}
	if err := r.guardQuorum(ctx, electing); err != nil {
		return err
	}
	ms := &r.membership
	client, members, err := r.speaker(ctx)
	if err != nil {
		if len(ms.gone) > 0 {
			return unfit(ms.gone[0].node.Name, "it is out of the file, and of the control planes that are in it none is at work: "+err.Error(), "put it back into the file and apply, which mends what can be mended")
		}
		return nil // nothing serves: what differs is mended first, and whoever is not a member is one by the next apply
	}
	ms.members = members
	if err := client.Close(); err != nil {
		return err
	}
	if err := r.findHealthy(ctx); err != nil {
		return err
	}
	if err := r.findEntering(ctx); err != nil {
		return err
	}
	if err := r.freezeMembers(ctx); err != nil {
		return err
	}
	r.foretell()
	return nil
}

// findHealthy asks all members at once whether they vote.
func (r *Run) findHealthy(ctx context.Context) error {
	var mu sync.Mutex
	healthy := map[string]bool{}
	err := each(r.planes(), func(m *machine) error {
		if m.host != nil && r.voting(ctx, m) == nil {
			mu.Lock()
			defer mu.Unlock()
			healthy[components.PeerURL(m.node)] = true
		}
		return ctx.Err()
	})
	r.membership.healthy = healthy
	return err
}

// findLeaving looks for the control planes that were applied and are no longer declared.
func (r *Run) findLeaving(ctx context.Context) error {
	if err := r.listLeaving(); err != nil {
		return err
	}
	return r.lookAround(ctx, r.membership.gone)
}

// listLeaving lists them.
func (r *Run) listLeaving() error {
	nodes, _, err := r.undeclaredNodes()
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Role == spec.ControlPlane {
			r.membership.gone = append(r.membership.gone, &machine{node: n})
		}
	}
	return nil
}

// lookAround connects to those of the machines that answer, and looks at them; of the others it notes why they do not.
func (r *Run) lookAround(ctx context.Context, machines []*machine) error {
	return each(machines, func(m *machine) error {
		if m.unreached = r.reach(ctx, m); m.unreached != nil {
			return ctx.Err()
		}
		return r.look(ctx, m)
	})
}

// planes are all control planes that are declared, or were applied.
func (r *Run) planes() []*machine { return slices.Concat(r.controlPlanes(), r.membership.gone) }

// speaker is a client of a member that has quorum, and the members as it knows them.
func (r *Run) speaker(ctx context.Context) (*etcd.Client, []etcd.Member, error) {
	var reasons []error
	for _, m := range r.controlPlanes() {
		if m.host == nil || m.facts.Cluster != r.certs.ClusterID() {
			continue
		}
		client, err := r.member(m)
		if err != nil {
			return nil, nil, err
		}
		if err = client.Voting(ctx); err == nil {
			var members []etcd.Member
			if members, err = client.Members(ctx); err == nil {
				return client, members, nil
			}
		}
		reasons = append(reasons, &NodeError{m.node.Name, errors.Join(err, client.Close())})
	}
	return nil, nil, fmt.Errorf("no etcd member votes: %w", errors.Join(reasons...))
}

// findEntering tells which declared control planes have no vote, and why. A member that was there from the start and has not started
// yet starts by itself.
func (r *Run) findEntering(ctx context.Context) error {
	ms := &r.membership
	ms.entering, ms.stale = map[string]string{}, map[string]bool{}
	for _, m := range r.controlPlanes() {
		member, known := ms.of(m.node)
		if known && (ms.healthy[member.Peer] || member.Client == "" && !member.Learner) {
			continue
		}
		data, err := hasData(ctx, m)
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		switch {
		case !known && data:
			ms.stale[m.node.Name] = true
			ms.entering[m.node.Name] = "anew, since its member was removed; the data that it had is moved aside"
		case !known:
			ms.entering[m.node.Name] = "as a learner"
		case member.Learner && member.Client != "" && !data:
			ms.lost = append(ms.lost, member)
			ms.entering[m.node.Name] = "anew, since the learner that it was has lost its data"
		case member.Learner:
			ms.entering[m.node.Name] = "as the learner that it is"
		case !data:
			ms.lost = append(ms.lost, member)
			ms.entering[m.node.Name] = "anew, since its member has lost its data"
		}
	}
	return nil
}

// hasData reports whether the machine holds the data of an etcd member.
func hasData(ctx context.Context, m *machine) (bool, error) {
	found, err := onMachine(ctx, m, `test ! -d "$1" || echo yes`, layout.EtcdMember+"/wal")
	return found != "", err
}

// tellMembers puts into p what becomes of etcd's members, step by step, with warnings where it costs fault tolerance.
func (r *Run) tellMembers(p *plan.Plan) {
	if r.membership.members == nil || !r.membership.changes() {
		return
	}
	steps := r.membership.steps(r.controlPlanes())
	for _, s := range steps {
		if s.tolerates < 0 {
			p.Warnings = append(p.Warnings, s.name+": it cannot leave as things are, since the other voters that answer are no majority; what is wrong with them is mended first")
		}
		p.Members = append(p.Members, plan.Member{Node: s.name, Does: s.does, Voters: s.voters, Tolerates: s.tolerates})
	}
	p.Warnings = append(p.Warnings, r.membership.warnings(steps)...)
}

// warn tells sink of an etcd that for now survives less than it did.
func warn(sink event.Sink, text string) { sink.Emit(event.Event{Kind: event.Warning, Message: text}) }
