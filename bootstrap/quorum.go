package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// quorum is a client of a member that answers for the whole membership, one of the other control planes if any does.
// A learner does not.
func (r *Run) quorum(ctx context.Context, self spec.Node) (*etcd.Client, []etcd.Member, error) {
	var reasons []error
	for _, n := range append(r.peers(self.Name), self) {
		client, err := r.memberAt(self.Name, clientURL(n.Address))
		if err != nil {
			return nil, nil, err
		}
		members, err := client.Members(ctx)
		if err == nil {
			return client, members, nil
		}
		reasons = append(reasons, err, client.Close())
	}
	return nil, nil, fmt.Errorf("no etcd member answers: %w", errors.Join(reasons...))
}

// answers is nil once m's own member follows the others, as a learner or voting.
func (r *Run) answers(ctx context.Context, m *machine) error {
	client, err := r.member(m)
	if err != nil {
		return err
	}
	s, err := client.Status(ctx)
	if err == nil && s.Leader == 0 {
		err = errors.New("it has not found the others yet")
	}
	return errors.Join(err, client.Close())
}

// snapshotOfPeers keeps on this machine what the others hold, before its own member comes among them. Where none of them votes there is
// nothing to keep, and nothing that could be joined: that is told of next.
func (r *Run) snapshotOfPeers(ctx context.Context, m *machine) error {
	if exists(layout.EtcdMember) { // it is one of them already
		return nil
	}
	q := &membership{}
	for _, n := range r.peers(m.node.Name) {
		client, err := r.memberAt(m.node.Name, clientURL(n.Address))
		if err != nil {
			return err
		}
		e := &member{m: &machine{node: n}, client: client}
		_ = e.vote(ctx) // whoever does not gives no snapshot
		r.clients, q.all = append(r.clients, client), append(q.all, e)
	}
	if len(q.well()) == 0 {
		return ctx.Err()
	}
	_, err := r.snapshotBefore(ctx, q, beforeMembers, "")
	return err
}

// addMember gives this machine's member a place without a vote, or finds the one that it has, and keeps how it enters.
func (r *Run) addMember(ctx context.Context, m *machine) (id uint64, err error) {
	client, members, err := r.quorum(ctx, m.node)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	_, known := memberOf(members, m.node)
	_, noData := os.Stat(layout.EtcdMember)
	if !known && noData == nil {
		return 0, unfit(m.node.Name, layout.EtcdMember+" is of a member that was removed from etcd, and cannot be used again", "slipway reset, then join again")
	}
	self, members, err := client.AddLearner(ctx, components.PeerURL(m.node))
	if err != nil {
		return 0, err
	}
	if r.members = nil; noData == nil { // it has run: how it entered must not change any more
		if err := r.recallMembers(ctx); err != nil {
			return 0, err
		}
	}
	if _, recalled := r.members[m.node.Name]; !recalled {
		r.members = map[string]components.Membership{m.node.Name: entry(m.node, members)}
	}
	return self.ID, r.rememberMembers()
}
