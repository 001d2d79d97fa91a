package bootstrap

import (
	"slices"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/spec"
)

// turnover is etcd's members beside the control planes that the file declares, of a cluster that serves.
type turnover struct {
	members  []etcd.Member
	healthy  map[string]bool   // by peer URL: those that vote and answered
	entering map[string]string // declared and without a vote, by name: why
	stale    map[string]bool   // of those, which have the data of a member that is none any more
	lost     []etcd.Member     // members of declared control planes whose data is gone
	gone     []*machine        // control planes that were applied and are no longer declared
	total    int               // declared control planes
}

// enters reports whether m is a control plane that has to join etcd's members first.
func (ms *turnover) enters(m *machine) bool { return ms.entersNode(m.node.Name) }

func (ms *turnover) entersNode(name string) bool {
	_, yes := ms.entering[name]
	return yes
}

// of is the member at n's address.
func (ms *turnover) of(n spec.Node) (etcd.Member, bool) { return memberOf(ms.members, n) }

func memberOf(members []etcd.Member, n spec.Node) (etcd.Member, bool) {
	i := slices.IndexFunc(members, func(m etcd.Member) bool { return m.Peer == components.PeerURL(n) })
	if i < 0 {
		return etcd.Member{}, false
	}
	return members[i], true
}

// dead reports whether a control plane that leaves does not vote: its member can only be removed.
func (ms *turnover) dead(m *machine) bool { return !ms.healthy[components.PeerURL(m.node)] }

// staying are the control planes that are no longer declared and still run: until they are clean, the others' balancers have to
// know them.
func (ms *turnover) staying(cluster string) (out []spec.Node) {
	for _, m := range ms.gone {
		if m.host != nil && m.facts.Cluster == cluster {
			out = append(out, m.node)
		}
	}
	return out
}

// machine is the one that n's control plane left, or a new one.
func (ms *turnover) machine(n spec.Node) *machine {
	for _, m := range ms.gone {
		if m.node.Name == n.Name {
			return m
		}
	}
	return &machine{node: n}
}

// changes reports whether members come or go.
func (ms *turnover) changes() bool { return len(ms.entering)+len(ms.lost)+len(ms.gone) > 0 }

// alters reports whether etcd's own members become others. A control plane may also leave whose member has left already.
func (ms *turnover) alters() bool {
	known := func(m *machine) bool { _, known := ms.of(m.node); return known }
	return ms.members != nil && (len(ms.entering)+len(ms.lost) > 0 || slices.ContainsFunc(ms.gone, known))
}
