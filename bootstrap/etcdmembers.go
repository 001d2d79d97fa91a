package bootstrap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/status"
)

// member is one entry of etcd's membership, or a control plane that should have one, with the way to it.
type member struct {
	etcd.Member
	m      *machine // of the declared node; nil where none is at its address
	client *etcd.Client
	seen   etcd.Status
	err    error // why it is not healthy
}

// name is what people call it.
func (e *member) name() string {
	if e.m != nil {
		return e.m.node.Name
	}
	return cmp.Or(e.Name, e.Peer)
}

func (e *member) answers() bool { return e.seen.ID != 0 }
func (e *member) healthy() bool { return e.err == nil }
func (e *member) leads() bool   { return e.answers() && e.seen.Leader == e.seen.ID }

// membership is all members, looked at in one go.
type membership struct {
	all  []*member
	from *member // whose word it is; nil where none answers, and the declared nodes stand in
}

// majority counts the voters.
func (q *membership) majority() status.Majority {
	voters, healthy := 0, 0
	for _, e := range q.all {
		if e.ID == 0 && q.from != nil || e.Learner {
			continue
		}
		voters++
		if e.healthy() {
			healthy++
		}
	}
	return status.Count(voters, healthy)
}

func (q *membership) hasQuorum() bool {
	m := q.majority()
	return m.Quorum > 0 && m.Voting >= m.Quorum
}

// leader is the member that leads; nil where none says so.
func (q *membership) leader() *member {
	for _, e := range q.all {
		if e.healthy() && e.leads() {
			return e
		}
	}
	return nil
}

// well are the healthy voters, the leader last.
func (q *membership) well() (out []*member) {
	for _, e := range q.all {
		if e.healthy() && !e.Learner && e.ID != 0 {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *member) int {
		switch {
		case a.leads() == b.leads():
			return 0
		case a.leads():
			return 1
		}
		return -1
	})
	return out
}

// QuorumError is an act that needs a majority of etcd's members, which is not there.
type QuorumError struct {
	act string
	q   *membership
}

func (e *QuorumError) Error() string { return e.act + ": " + e.q.lost() }

// Remedy is the way on.
func (e *QuorumError) Remedy() string { return e.q.lostRemedy() }

// lost tells how far the quorum is away: those that answer would vote if there were enough of them.
func (q *membership) lost() string {
	is := q.majority()
	_, answering := q.silent()
	return fmt.Sprintf("etcd has lost its quorum: %d of %d members answer, and %d must", answering, is.Voters, is.Quorum)
}

func (q *membership) lostRemedy() string {
	silent, answering := q.silent()
	missing := q.majority().Quorum - answering
	who := strings.Join(silent, ", ")
	switch {
	case missing <= 0:
		return "enough of them answer, and they find no leader: see whether they reach each other at port 2380, and ask again in a minute"
	case missing < len(silent):
		who = fmt.Sprintf("%d of %s", missing, who)
	}
	return "bring back " + who + ": etcd goes on by itself then, and nothing is lost. Only if that cannot be: slipway etcd snapshot keeps what a member that is left holds"
}

// silent names the voters that do not answer, and counts those that do.
func (q *membership) silent() (names []string, answering int) {
	for _, e := range q.all {
		switch {
		case e.Learner || e.ID == 0 && q.from != nil:
		case e.answers():
			answering++
		default:
			names = append(names, e.name())
		}
	}
	return names, answering
}

// needQuorum refuses an act without it.
func (q *membership) needQuorum(act string) error {
	if q.hasQuorum() {
		return nil
	}
	return &QuorumError{act, q}
}

// find is the member that is called so: the name of its node, its own, or its ID.
func (q *membership) find(called string) (*member, error) {
	var names []string
	for _, e := range q.all {
		if e.ID == 0 {
			continue
		}
		if called == e.name() || called == e.Name || strings.EqualFold(strings.TrimPrefix(called, "0x"), fmt.Sprintf("%x", e.ID)) {
			return e, nil
		}
		names = append(names, fmt.Sprintf("%s (%x)", e.name(), e.ID))
	}
	return nil, &MemberError{called, "no such member: there are " + strings.Join(names, ", ")}
}

// MemberError is a member that was named, and with which that cannot be done.
type MemberError struct{ name, why string }

func (e *MemberError) Error() string { return e.name + ": " + e.why }

// NoStateError is a cluster of which nothing is kept here, so that there is no key to its etcd.
type NoStateError struct{ dir, file string }

func (e *NoStateError) Error() string {
	return e.dir + ": there is no state directory of this cluster, so that nothing here has a key to its etcd"
}

// Remedy is the way on.
func (e *NoStateError) Remedy() string {
	return fmt.Sprintf("slipway plan -f %s fetches the keys back from the control planes, if there is a cluster", e.file)
}
