package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/statedir"
)

// QuorumLostError is an etcd of which so many members are gone that the others cannot decide anything any more.
type QuorumLostError struct {
	File  string
	Left  []string // that still have their data
	Gone  []string // with what became of each
	Total int
}

func (e *QuorumLostError) Error() string {
	return fmt.Sprintf("etcd has lost its quorum: of %d voters %s; with %s alone nothing can be decided", e.Total, strings.Join(e.Gone, ", "), list(e.Left))
}

// Remedy is the way on.
func (e *QuorumLostError) Remedy() string {
	return "if a machine that is away can come back with its disk, bring it back: nothing else is needed. If they are gone for good, slipway etcd recover -f " + e.File + " makes a cluster of what is left"
}

// electing is how long members may be without a leader before that is taken for a loss: an election takes a second or two.
const electing = 10 * time.Second

// guardQuorum refuses to go on with a cluster that has lost its quorum for good: that is, too few of its voters have a machine
// that answers and holds their data. Voters that are merely down are started by applying. Patience is how long it may be an election.
func (r *Run) guardQuorum(ctx context.Context, patience time.Duration) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := r.quorumLost(ctx)
		if lost := new(QuorumLostError); !errors.As(err, &lost) {
			return err
		}
		select {
		case <-within.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

// quorumLost is a *QuorumLostError where quorum is lost right now. It is nil where no member answers: then nobody knows.
func (r *Run) quorumLost(ctx context.Context) error {
	machines := r.planes()
	members, err := r.leaderless(ctx, machines)
	if members == nil || err != nil {
		return err
	}
	lost := &QuorumLostError{File: r.Cluster.File}
	for _, member := range members {
		if member.Learner {
			continue
		}
		lost.Total++
		at := slices.IndexFunc(machines, func(m *machine) bool { return components.PeerURL(m.node) == member.Peer })
		name := member.Name
		switch {
		case at < 0:
			lost.Gone = append(lost.Gone, name+" is not known here")
		case machines[at].host == nil:
			lost.Gone = append(lost.Gone, machines[at].node.Name+" does not answer")
		default:
			data, err := hasData(ctx, machines[at])
			if err != nil {
				return &NodeError{machines[at].node.Name, err}
			}
			if !data {
				lost.Gone = append(lost.Gone, machines[at].node.Name+" has no data")
			} else {
				lost.Left = append(lost.Left, machines[at].node.Name)
			}
		}
	}
	if len(lost.Left) > lost.Total/2 {
		return nil
	}
	return lost
}

// leaderless are the members of a cluster that has been one and has no leader now, as one of them knows it; none where there is a
// leader, or where no member answers. A cluster that never had quorum is one that is being made: none of its members has told the
// others where it takes clients.
func (r *Run) leaderless(ctx context.Context, machines []*machine) (members []etcd.Member, err error) {
	for _, m := range machines {
		if m.host == nil {
			continue
		}
		known, leader, err := r.knownTo(ctx, m)
		switch {
		case err != nil: // it has none that runs
		case leader:
			return nil, nil
		case slices.ContainsFunc(known, func(o etcd.Member) bool { return o.Client != "" }):
			members = known
		}
	}
	return members, nil
}

// knownTo are the members that m's own knows, and whether it has a leader. One that has started without quorum answers its peers only.
func (r *Run) knownTo(ctx context.Context, m *machine) (members []etcd.Member, leader bool, err error) {
	client, err := r.member(m)
	if err != nil {
		return nil, false, err
	}
	s, err := client.Status(ctx)
	if err == nil {
		members, err = client.KnownMembers(ctx)
		return members, s.Leader != 0, errors.Join(err, client.Close())
	}
	a := r.memberAccess(m)
	a.Endpoint = components.PeerURL(m.node)
	members, peerErr := etcd.AskPeer(ctx, a)
	if peerErr != nil {
		return nil, false, errors.Join(err, peerErr, client.Close())
	}
	return members, false, client.Close()
}

// unreached says of machines that do not answer that quorum is lost with them, where that is so: it is the graver news.
func (r *Run) unreached(ctx context.Context, err error) error {
	certs, storedErr := r.stored()
	if errors.Is(storedErr, statedir.ErrEmpty) {
		return err
	}
	if storedErr != nil {
		return errors.Join(err, storedErr)
	}
	r.certs = certs
	var lost *QuorumLostError
	found := r.stage("quorum", func(event.Sink) error {
		if err := r.findLeaving(ctx); err != nil {
			return nil // what cannot be found out is no news
		}
		err := r.guardQuorum(ctx, electing)
		if errors.As(err, &lost) {
			return err
		}
		return nil
	})
	return errors.Join(found, err)
}
