package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// LearnerError is a learner of which nothing came: etcd takes no second one beside it.
type LearnerError struct{ Peer string }

func (e *LearnerError) Error() string {
	return "the member at " + e.Peer + " began to join etcd and did not finish"
}

// Remedy is what to do then.
func (e *LearnerError) Remedy() string {
	return "on that machine, run the join again or slipway reset; if it is gone for good, on a control plane: slipway etcd members, then slipway etcd remove ID"
}

// AddLearner makes room for a member that will answer at the peer URL: a learner, which counts for no quorum. The
// membership is returned, with it. One that is there already, from a join that was cut off, is used again.
func (c *Client) AddLearner(ctx context.Context, peer string) (self Member, all []Member, err error) {
	all, err = c.Members(ctx)
	if err != nil {
		return Member{}, nil, err
	}
	var other *Member
	for _, m := range all {
		if m.Peer == peer {
			return m, all, nil
		}
		if m.Learner {
			other = &m
		}
	}
	if other != nil {
		return Member{}, nil, &LearnerError{other.Peer}
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	added, err := c.api.MemberAddAsLearner(ctx, []string{peer})
	if err != nil {
		return Member{}, nil, fmt.Errorf("etcd %s: add a learner at %s: %w", c.endpoint, peer, err)
	}
	all = nil
	for _, m := range added.Members {
		all = append(all, member(m))
	}
	return member(added.Member), all, nil
}

// Promote lets the learner vote, as soon as it has caught up: until then etcd refuses, and the caller asks again. One
// that votes already is left as it is.
func (c *Client) Promote(ctx context.Context, id uint64) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := c.api.MemberPromote(ctx, id)
	if err == nil || errors.Is(err, rpctypes.ErrMemberNotLearner) {
		return nil
	}
	return fmt.Errorf("etcd %s: promote learner %x: %w", c.endpoint, id, err)
}

// Remove takes the member out of the membership, which needs quorum. One that is not in it is gone already.
func (c *Client) Remove(ctx context.Context, id uint64) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if _, err := c.api.MemberRemove(ctx, id); err != nil && !errors.Is(err, rpctypes.ErrMemberNotFound) {
		return fmt.Errorf("etcd %s: remove member %x: %w", c.endpoint, id, err)
	}
	return nil
}
