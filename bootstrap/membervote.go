package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
)

// startAndVote starts a machine whose member is a learner, and lets it vote, at once: either waits for the other. The error tells
// apart on which side of the vote it failed, since from there on the member counts.
func startAndVote(ctx context.Context, name string, start, vote func(context.Context) error) error {
	votes := false
	g, within := errgroup.WithContext(ctx)
	g.Go(func() error { return start(within) })
	g.Go(func() error {
		err := vote(within)
		votes = err == nil
		return err
	})
	switch err := g.Wait(); {
	case err == nil:
		return nil
	case votes:
		return &VoterError{name, err}
	default:
		return &LearnerError{name, err}
	}
}

// promote waits until m's member has caught up, and lets it vote, by a member that has quorum.
func (r *Run) promote(ctx context.Context, m *machine, id uint64, sink event.Sink, by func(context.Context) (*etcd.Client, []etcd.Member, error)) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink, check.Condition{Name: "etcd member has caught up", Node: m.node.Name, Test: func(ctx context.Context) error {
		if err := r.answers(ctx, m); err != nil {
			return err
		}
		client, _, err := by(ctx)
		if err != nil {
			return err
		}
		return errors.Join(client.Promote(ctx, id), client.Close())
	}})
}

// VoterError is a control plane that votes in etcd, and did not come up beside that.
type VoterError struct {
	name string
	err  error
}

func (e *VoterError) Error() string {
	return fmt.Sprintf("%s votes in etcd by now, and counts for its quorum, but has not come up: %v", e.name, e.err)
}

// Node is its name.
func (e *VoterError) Node() string  { return e.name }
func (e *VoterError) Unwrap() error { return e.err }

// Remedy is the way on.
func (e *VoterError) Remedy() string {
	return "mend the machine and apply again, which goes on with it; until then etcd counts on " + e.name + ": do not switch it off. Taken out of the file, it leaves in order with the next apply, as a voter does"
}

// LearnerError is a control plane that did not come as far as to vote.
type LearnerError struct {
	name string
	err  error
}

func (e *LearnerError) Error() string {
	return fmt.Sprintf("%s has no vote yet: %v; it is a learner in etcd, and the quorum of the others is what it was", e.name, e.err)
}

// Node is its name.
func (e *LearnerError) Node() string  { return e.name }
func (e *LearnerError) Unwrap() error { return e.err }

// Remedy is the way on.
func (e *LearnerError) Remedy() string {
	return "mend the machine and apply again, which goes on with it; or take it out of the file, and the learner is removed"
}
