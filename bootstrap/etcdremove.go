package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// Removing says which member goes.
type Removing struct {
	Member string // name of its node, its own, or its ID
	Force  bool   // also one that is healthy
	// NoSnapshot is to take none first.
	NoSnapshot bool
	// Agree is asked before anything is changed, with what is about to be.
	Agree func(status.Membership) error
}

// MajorityError is a removal after which etcd could not go on.
type MajorityError struct {
	name string
	why  string
	hint string
}

func (e *MajorityError) Error() string { return "remove " + e.name + ": " + e.why }

// Remedy is the way on.
func (e *MajorityError) Remedy() string { return e.hint }

// HealthyError is a member that is to be removed, and well.
type HealthyError struct{ name, hint string }

func (e *HealthyError) Error() string {
	return "remove " + e.name + ": it is healthy, and a declared control plane: its machine would be left with an API server that has no etcd"
}

// Remedy is the way on.
func (e *HealthyError) Remedy() string { return e.hint }

// removeGiveUp is how long a machine is waited for to be known for dead: the API takes 40 s to find out.
const removeGiveUp = 90 * time.Second

// RemoveEtcdMember takes a member out, which those that are left must be a majority for. Where the machine keeps its cluster
// itself, a dead control plane's Node goes, too, and its place in the declaration: joins and resets wait for it otherwise.
// Cut off, it can be run again.
func (r *Run) RemoveEtcdMember(ctx context.Context, how Removing) (*status.Membership, error) {
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.guardRestored(); err != nil {
		return nil, err
	}
	return r.removeMemberOf(ctx, q, how)
}

func (r *Run) removeMemberOf(ctx context.Context, q *membership, how Removing) (*status.Membership, error) {
	e, err := r.toRemove(q, how.Member)
	if err != nil {
		return nil, err
	}
	if err := q.needQuorum("remove " + e.name()); err != nil {
		return nil, err
	}
	out := &status.Membership{Member: e.name(), Before: q.majority(), After: q.majority()}
	if e.ID != 0 {
		out.ID, out.After = fmt.Sprintf("%x", e.ID), q.without(e)
		if err := r.mayRemove(q, e, out.After, how.Force); err != nil {
			return nil, err
		}
	}
	if how.Agree != nil {
		if err := how.Agree(*out); err != nil {
			return nil, err
		}
	}
	if r.Here != "" {
		if r.left, err = r.peerAPI(ctx, q.near(e)); err != nil {
			return nil, err
		}
	}
	if e.ID != 0 && !how.NoSnapshot {
		if out.Snapshot, err = r.snapshotBefore(ctx, q, beforeRemove, orWithout); err != nil {
			return nil, err
		}
	}
	remove := func(ctx context.Context) error { return r.takeMember(ctx, q, e, out) }
	if r.Here == "" {
		return out, remove(ctx)
	}
	return out, r.inTurn(ctx, r.left, r.Here, remove)
}

// near are the nodes of the healthy voters but e.
func (q *membership) near(e *member) (out []spec.Node) {
	for _, w := range q.well() {
		if w.m != nil && w != e {
			out = append(out, w.m.node)
		}
	}
	return out
}

// toRemove is the member that is called so; on a machine of the cluster also a control plane whose member is removed already,
// by a run that was cut off.
func (r *Run) toRemove(q *membership, called string) (*member, error) {
	e, err := q.find(called)
	if err == nil || r.Here == "" || q.from == nil {
		return e, err
	}
	for _, e := range q.all {
		if e.ID == 0 && e.name() == called && called != r.Here {
			return e, nil
		}
	}
	return nil, err
}

// without is the majority that there would be without e.
func (q *membership) without(e *member) status.Majority {
	is := q.majority()
	if e.Learner {
		return is
	}
	healthy := is.Voting
	if e.healthy() {
		healthy--
	}
	return status.Count(is.Voters-1, healthy)
}

func (r *Run) mayRemove(q *membership, e *member, after status.Majority, force bool) error {
	switch {
	case !e.Learner && after.Voters == 0:
		return &MajorityError{e.name(), "it is the only member", "slipway reset on the machine, or slipway destroy, takes a whole cluster off"}
	case !e.Learner && after.Voting < after.Quorum:
		return &MajorityError{e.name(), fmt.Sprintf("of the %d voters that remain %d are healthy, and %d must be", after.Voters, after.Voting, after.Quorum),
			"bring another member back first, or remove one that is dead: slipway etcd members shows them"}
	case e.healthy() && e.m != nil && !force:
		hint := "--force removes it all the same"
		if r.Here != "" {
			hint = "slipway reset on that machine takes it out of the cluster in order; " + hint
		}
		return &HealthyError{e.name(), hint}
	}
	return nil
}

// takeMember takes it out of etcd, and on a machine of the cluster out of that, the declaration last: it names the machine
// until all else is done.
func (r *Run) takeMember(ctx context.Context, q *membership, e *member, out *status.Membership) error {
	if e.ID != 0 {
		err := r.stage("remove", func(sink event.Sink) error {
			if e.leads() && q.allWell() == nil {
				if err := e.client.MoveLeader(ctx); err != nil {
					return err
				}
			}
			by := slices.DeleteFunc(q.well(), func(o *member) bool { return o == e })
			if err := by[0].client.Remove(ctx, e.ID); err != nil {
				return err
			}
			sink.Emit(event.Event{Kind: event.Changed, Node: e.name(), Subject: "etcd member " + out.ID, Message: "removed"})
			return nil
		})
		if err != nil {
			return err
		}
	}
	switch {
	case e.m == nil:
	case r.Here == "":
		out.Notes = append(out.Notes, fmt.Sprintf("%s still declares %s a control plane. Its etcd cannot start with the data that it has, since that is of a removed member.", r.Cluster.File, e.name()))
	case e.healthy():
		out.Notes = append(out.Notes, "Run slipway reset on "+e.name()+": its etcd does not start any more, and its Node and its place among the control planes go with that.")
	default:
		return r.giveUp(ctx, e, out)
	}
	return nil
}

// giveUp deletes a dead control plane's Node, and takes it out of the declaration.
func (r *Run) giveUp(ctx context.Context, e *member, out *status.Membership) error {
	m := e.m
	m.unreached = e.err
	err := r.stage("node", func(sink event.Sink) error {
		within, cancel := context.WithTimeout(ctx, min(removeGiveUp, r.timeout()))
		defer cancel()
		err := check.Wait(within, sink, check.Condition{Name: "the node of a machine that is dead is not Ready", Node: m.node.Name, Test: func(ctx context.Context) error {
			return r.left.Abandon(ctx, m.node.Name)
		}})
		if err != nil {
			return err
		}
		return r.abandon(ctx, r.left, m, sink)
	})
	if errors.Is(err, kube.ErrAtWork) {
		out.Notes = append(out.Notes, fmt.Sprintf("The kubelet of %s is at work, so its Node stays: run slipway reset there, which takes it out of the cluster, too.", m.node.Name))
		return nil
	}
	if err != nil {
		return err
	}
	out.Notes = append(out.Notes, "Should "+m.node.Name+" ever start again it must not reach the others: it still has its kubelet, and what could hold the cluster's address. Keep it off the network until slipway reset --force has run on it, or install it anew.")
	return r.stage("declaration", func(event.Sink) error { return r.undeclare(ctx, m.node.Name) })
}
