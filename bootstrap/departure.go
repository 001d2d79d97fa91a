package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// keepBeforeMembers keeps what etcd holds before members come or go: what is done to a quorum may go wrong for good. Where the version
// changes, too, its snapshot will do.
func (r *Run) keepBeforeMembers(ctx context.Context) error {
	if !r.membership.alters() {
		return nil
	}
	if err := r.keepSnapshot(ctx); err != nil {
		return err
	}
	_, err := r.snapshotFirst(ctx, beforeMembers)
	return err
}

// dropDead removes the members that do not vote and will not: of control planes that left the file, and of those whose data is
// lost. It comes before everything else, since each of them counts against the quorum.
func (r *Run) dropDead(ctx context.Context) error {
	ms := &r.membership
	var dead []*machine
	for _, m := range ms.gone {
		if _, known := ms.of(m.node); known && ms.dead(m) {
			dead = append(dead, m)
		}
	}
	for _, m := range r.controlPlanes() {
		if slices.ContainsFunc(ms.lost, func(member etcd.Member) bool { return member.Peer == components.PeerURL(m.node) }) {
			dead = append(dead, m)
		}
	}
	for _, m := range dead {
		err := r.eachStage("members", []*machine{m}, func(m *machine, sink event.Sink) error { return r.dropMember(ctx, m, sink) })
		if err != nil {
			return err
		}
	}
	return nil
}

// dropMember takes m's member out of etcd, if the others have quorum without it.
func (r *Run) dropMember(ctx context.Context, m *machine, sink event.Sink) error {
	client, members, err := r.speaker(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	r.membership.members = members
	if err := r.findHealthy(ctx); err != nil {
		return err
	}
	if m.host == nil && r.votesUnreached(ctx, m) {
		return fmt.Errorf("it cannot be reached, but it is not dead either, since its etcd member votes: make it reachable, or power it off, and apply again: %w", m.unreached)
	}
	member, there := memberOf(members, m.node)
	if !there {
		return nil
	}
	if why := r.membership.refusal(m); why != "" && !member.Learner {
		return unfit(m.node.Name, why, "wait until slipway status shows the others healthy, or mend them, and apply again; if they are gone for good, too, slipway etcd recover -f "+r.Cluster.File)
	}
	if err := client.Remove(ctx, member.ID); err != nil {
		return err
	}
	sink.Emit(event.Event{Kind: event.Changed, Subject: "etcd member", Message: "is removed"})
	delete(r.members, m.node.Name)
	delete(r.membership.healthy, member.Peer)
	r.membership.members = slices.DeleteFunc(members, func(o etcd.Member) bool { return o.ID == member.ID })
	return r.rememberMembers()
}

// votesUnreached asks the member of a machine that does not answer by way of those that do.
func (r *Run) votesUnreached(ctx context.Context, m *machine) bool {
	for _, via := range r.controlPlanes() {
		if via.host == nil {
			continue
		}
		client, err := r.member(&machine{node: m.node, host: via.host})
		if err != nil {
			continue
		}
		err = client.Voting(ctx)
		if closing := client.Close(); err == nil && closing == nil {
			return true
		}
	}
	return false
}

// takeOutMember takes a control plane out of the cluster that is no longer declared. Its pods leave while its own API server still
// answers, since its kubelet knows no other; then it hands over what others would have to wait for, and its member leaves. Of one
// whose member has left already, or never voted, the kubelet has no API server to hear from: the machine is taken apart first.
func (r *Run) takeOutMember(ctx context.Context, client *kube.Client, m *machine, sink event.Sink) error {
	if r.membership.dead(m) {
		if err := r.clean(ctx, m, false, sink); err != nil {
			return err
		}
		m.apart = true
		return r.abandon(ctx, client, m, sink)
	}
	if r.membership.refusal(m) != "" { // before anything is drained
		return r.dropMember(ctx, m, sink)
	}
	if err := client.Drain(ctx, m.node.Name, r.timeout()); err != nil {
		return err
	}
	if err := r.yieldForGood(ctx, m); err != nil {
		sink.Emit(event.Event{Kind: event.Warning, Message: err.Error()}) // it moves when the balancer stops
	}
	own, err := r.member(m)
	if err != nil {
		return err
	}
	if err := errors.Join(own.MoveLeader(ctx), own.Close()); err != nil {
		sink.Emit(event.Event{Kind: event.Warning, Message: err.Error()}) // the others elect one when it leaves
	}
	if err := r.dropMember(ctx, m, sink); err != nil {
		return err
	}
	return client.DeleteNode(ctx, m.node.Name)
}

// yieldForGood lets another machine have the shared address, which m may hold.
func (r *Run) yieldForGood(ctx context.Context, m *machine) error {
	if r.Cluster.LoadBalancer.Kind != spec.VIP || r.Cluster.LoadBalancers()[0].Role != spec.ControlPlane {
		return nil
	}
	return m.agent.Yield(ctx, node.Yield{File: components.YieldFile, Address: r.Cluster.Endpoint.Addr(), For: yieldFor})
}

// settleMembers lets the balancers of those that stay forget the control planes that have left: as long as a keepalived of theirs ran,
// they had to know it.
func (r *Run) settleMembers(ctx context.Context) error {
	r.membership, r.staying = turnover{}, nil
	if err := r.compareAll(ctx); err != nil {
		return err
	}
	return r.bringUp(ctx, r.changed(r.machines))
}

// compareAll is what machines differ by from what they are to be now.
func (r *Run) compareAll(ctx context.Context) error {
	return r.eachStage("diff", r.machines, func(m *machine, _ event.Sink) error { return r.compare(ctx, m) })
}

// inOrder puts control planes that leave behind everything else that does: they go one at a time, those that do not answer first.
func inOrder(gone []*machine) (others, planes []*machine) {
	var dead, alive []*machine
	for _, m := range gone {
		switch {
		case m.node.Role != spec.ControlPlane || m.left != "":
			others = append(others, m)
		case m.host == nil:
			dead = append(dead, m)
		default:
			alive = append(alive, m)
		}
	}
	return others, append(dead, alive...)
}
