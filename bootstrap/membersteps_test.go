package bootstrap

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/spec"
)

// plane is a control plane of the subnet 10.0.0.
func plane(n int) *machine {
	return &machine{node: declare(fmt.Sprintf("cp-%d", n), spec.ControlPlane, fmt.Sprintf("10.0.0.%d", 10+n)), host: unprivileged{host.NewLocal()}}
}

// members are those of control planes that have started.
func members(planes ...int) (out []etcd.Member) {
	for _, n := range planes {
		m := plane(n).node
		out = append(out, etcd.Member{ID: uint64(n), Name: m.Name, Peer: components.PeerURL(m), Client: "https://" + m.Address.String() + ":2379"})
	}
	return out
}

func voting(planes ...int) map[string]bool {
	out := map[string]bool{}
	for _, m := range members(planes...) {
		out[m.Peer] = true
	}
	return out
}

func TestMemberSteps(t *testing.T) {
	learner := members(4)[0]
	learner.Learner = true
	for name, test := range map[string]struct {
		ms       turnover
		declared []int
		want     []string
		warned   int
	}{
		"one grows to three": {turnover{members: members(1), healthy: voting(1), entering: map[string]string{"cp-2": "as a learner", "cp-3": "as a learner"}}, []int{1, 2, 3},
			[]string{"cp-2 enters 2 voters 0", "cp-3 enters 3 voters 1"}, 0},
		"three grow to five": {turnover{members: members(1, 2, 3), healthy: voting(1, 2, 3), entering: map[string]string{"cp-4": "", "cp-5": ""}}, []int{1, 2, 3, 4, 5},
			[]string{"cp-4 enters 4 voters 1", "cp-5 enters 5 voters 2"}, 0},
		"five shrink to three": {turnover{members: members(1, 2, 3, 4, 5), healthy: voting(1, 2, 3, 4, 5), gone: []*machine{plane(4), plane(5)}}, []int{1, 2, 3},
			[]string{"cp-4 leaves 4 voters 1", "cp-5 leaves 3 voters 1"}, 1},
		"a dead one is replaced": {turnover{members: members(1, 2, 3), healthy: voting(1, 2), gone: []*machine{plane(3)}, entering: map[string]string{"cp-4": ""}}, []int{1, 2, 4},
			[]string{"cp-3 drops 2 voters 0", "cp-4 enters 3 voters 1"}, 0},
		"a live one is replaced": {turnover{members: members(1, 2, 3), healthy: voting(1, 2, 3), gone: []*machine{plane(3)}, entering: map[string]string{"cp-4": ""}}, []int{1, 2, 4},
			[]string{"cp-4 enters 4 voters 1", "cp-3 leaves 3 voters 1"}, 0},
		"one comes back empty": {turnover{members: members(1, 2, 3), healthy: voting(1, 2), lost: members(3), entering: map[string]string{"cp-3": ""}}, []int{1, 2, 3},
			[]string{"cp-3 drops 2 voters 0", "cp-3 enters 3 voters 1"}, 0},
		"a learner is gone": {turnover{members: append(members(1, 2, 3), learner), healthy: voting(1, 2, 3), gone: []*machine{plane(4)}}, []int{1, 2, 3},
			[]string{"cp-4 drops 3 voters 1"}, 0},
	} {
		var declared []*machine
		for _, n := range test.declared {
			declared = append(declared, plane(n))
		}
		steps := test.ms.steps(declared)
		var got []string
		for _, s := range steps {
			got = append(got, fmt.Sprintf("%s %s %d voters %d", s.name, []string{"drops", "enters", "leaves"}[s.kind], s.voters, s.tolerates))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if w := test.ms.warnings(steps); len(w) != test.warned {
			t.Errorf("%s: warnings %q, want %d", name, w, test.warned)
		}
	}
}

// TestRefusal: a member may go only where those that are left are a quorum of what is left.
func TestRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		ms      turnover
		gone    int
		refused bool
	}{
		"a dead one of three":                           {turnover{members: members(1, 2, 3), healthy: voting(1, 2)}, 3, false},
		"a live one of three":                           {turnover{members: members(1, 2, 3), healthy: voting(1, 2, 3)}, 3, false},
		"a live one of three, of which another is dead": {turnover{members: members(1, 2, 3), healthy: voting(1, 3)}, 3, true},
		"one of five, of which two are dead":            {turnover{members: members(1, 2, 3, 4, 5), healthy: voting(1, 2, 3)}, 5, false},
		"a live one of five, of which two are dead":     {turnover{members: members(1, 2, 3, 4, 5), healthy: voting(1, 2, 3)}, 3, true},
		"the last": {turnover{members: members(1), healthy: voting(1)}, 1, true},
	} {
		if got := test.ms.refusal(plane(test.gone)); (got != "") != test.refused {
			t.Errorf("%s: %q, want refused %t", name, got, test.refused)
		}
	}
}

// TestForetell: a plan tells how a member will enter beside those that are there by then; one that runs keeps what it was told.
func TestForetell(t *testing.T) {
	r := newRun(t)
	r.Cluster.Nodes, r.machines = nil, nil
	for _, n := range []int{1, 2, 4} {
		m := plane(n)
		m.facts.Cluster = r.certs.ClusterID()
		r.Cluster.Nodes, r.machines = append(r.Cluster.Nodes, m.node), append(r.machines, m)
	}
	dead := plane(3)
	r.membership = turnover{members: members(1, 2, 3), healthy: voting(1, 2), entering: map[string]string{"cp-4": ""}, gone: []*machine{dead}}
	r.members = map[string]components.Membership{}
	r.foretell()
	want := map[string]components.Membership{"cp-4": {Initial: "cp-1=https://10.0.0.11:2380,cp-2=https://10.0.0.12:2380,cp-4=https://10.0.0.14:2380", Existing: true}}
	if diff := cmp.Diff(want, r.members); diff != "" {
		t.Error(diff)
	}
}
