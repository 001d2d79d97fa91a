package bootstrap

import (
	"context"
	"fmt"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

// PromoteEtcdMember gives a learner its vote as soon as it has caught up.
func (r *Run) PromoteEtcdMember(ctx context.Context, called string) (*status.Membership, error) {
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	e, err := q.find(called)
	if err != nil {
		return nil, err
	}
	if !e.Learner {
		return nil, &MemberError{e.name(), "it votes already"}
	}
	if err := q.needQuorum("promote " + e.name()); err != nil {
		return nil, err
	}
	if !e.healthy() {
		return nil, &SickError{e.name(), e.err}
	}
	before := q.majority()
	out := &status.Membership{Member: e.name(), ID: fmt.Sprintf("%x", e.ID), Before: before, After: status.Count(before.Voters+1, before.Voting+1)}
	return out, r.stage("vote", func(sink event.Sink) error {
		within, cancel := r.within(ctx)
		defer cancel()
		by := q.well()
		return check.Wait(within, sink, check.Condition{Name: "the learner has caught up and votes", Node: e.name(), Test: func(ctx context.Context) error {
			return by[len(by)-1].client.Promote(ctx, e.ID) // the leader, which knows how far the learner is
		}})
	})
}
