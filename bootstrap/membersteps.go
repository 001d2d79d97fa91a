package bootstrap

import (
	"fmt"

	"github.com/slipway/slipway/components"
)

// memberStep is one change of etcd's members, with what holds once it is made.
type memberStep struct {
	kind      stepKind
	name      string
	does      string
	voters    int
	tolerates int // failures of voters without losing quorum; less than 0: quorum is lost
}

func (s memberStep) String() string {
	return fmt.Sprintf("%s; %d voters then, any %d may fail", s.does, s.voters, max(0, s.tolerates))
}

type stepKind int

const (
	drops stepKind = iota // a member that does not vote is removed
	enters
	leaves
)

// steps are what becomes of the members, in the order in which it is done: first those leave that do not vote anyway, since
// each of them counts against the quorum; then new ones enter, one at a time; and last those leave that vote.
func (ms *turnover) steps(declared []*machine) (out []memberStep) {
	voters, healthy := 0, 0
	for _, m := range ms.members {
		if m.Learner {
			continue
		}
		voters++
		if ms.healthy[m.Peer] {
			healthy++
		}
	}
	add := func(kind stepKind, name, does string) {
		out = append(out, memberStep{kind, name, does, voters, tolerated(healthy, voters)})
	}
	for _, m := range ms.gone {
		member, known := ms.of(m.node)
		if !known || !ms.dead(m) {
			continue
		}
		if !member.Learner {
			voters--
		}
		add(drops, m.node.Name, "its member, which does not vote, is removed")
	}
	for _, member := range ms.lost {
		if !member.Learner {
			voters--
		}
		add(drops, member.Name, "its member, which has lost its data, is removed")
	}
	for _, m := range declared {
		if why, yes := ms.entering[m.node.Name]; yes {
			voters, healthy = voters+1, healthy+1
			add(enters, m.node.Name, "enters "+why+", votes when it has caught up")
		}
	}
	for _, m := range ms.gone {
		switch _, known := ms.of(m.node); {
		case !known:
			add(leaves, m.node.Name, "its member has left already")
		case !ms.dead(m):
			voters, healthy = voters-1, healthy-1
			add(leaves, m.node.Name, "drained; hands over leadership and address; its member leaves")
		}
	}
	return out
}

// tolerated is how many of the healthy voters may fail without quorum being lost.
func tolerated(healthy, voters int) int { return healthy - (voters/2 + 1) }

// tolerance is what etcd survives as it is.
func (ms *turnover) tolerance() int {
	voters, healthy := 0, 0
	for _, m := range ms.members {
		if !m.Learner {
			voters++
			if ms.healthy[m.Peer] {
				healthy++
			}
		}
	}
	return tolerated(healthy, voters)
}

// warnings tell where the fault tolerance goes down, for a while or for good.
func (ms *turnover) warnings(steps []memberStep) (out []string) {
	was := ms.tolerance()
	least, last := was, was
	for _, s := range steps {
		least, last = min(least, s.tolerates), s.tolerates
	}
	switch {
	case last < was:
		out = append(out, fmt.Sprintf("etcd survives the loss of %d of its voters now, and of %d afterwards", was, last))
	case least < was && least >= 0:
		out = append(out, fmt.Sprintf("etcd survives the loss of %d of its voters now, of %d while members change, and of %d afterwards", was, least, last))
	}
	return out
}

// refusal is why m's member must not be removed: those that are left would have no quorum. "" where they do.
func (ms *turnover) refusal(m *machine) string {
	voters, healthy := 0, 0
	for _, other := range ms.members {
		if other.Learner || other.Peer == components.PeerURL(m.node) {
			continue
		}
		voters++
		if ms.healthy[other.Peer] {
			healthy++
		}
	}
	if tolerated(healthy, voters) >= 0 {
		return ""
	}
	return fmt.Sprintf("without its member, %d of the other %d voters answer, which is no majority", healthy, voters)
}
