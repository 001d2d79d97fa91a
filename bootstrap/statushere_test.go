package bootstrap

import (
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/status"
)

func TestQuorumLostHere(t *testing.T) {
	r := newRun(t)
	r.Here = "cp-1"
	away := func(node string) status.Member { return status.Member{Node: node} }
	leaderless, votes := status.Member{Node: "cp-1", ID: "1"}, status.Member{Node: "cp-1", ID: "1", Healthy: true}
	for name, c := range map[string]struct {
		members []status.Member
		want    string
	}{
		"two of three are away":       {[]status.Member{leaderless, away("cp-2"), away("cp-3")}, "etcd recover --gone cp-2,cp-3 makes"},
		"one of two is away":          {[]status.Member{leaderless, away("cp-2")}, "etcd recover --gone cp-2 makes"},
		"an election":                 {[]status.Member{leaderless, away("cp-2"), {Node: "cp-3", ID: "3", Healthy: true}}, ""},
		"one is away":                 {[]status.Member{votes, away("cp-2"), {Node: "cp-3", ID: "3", Healthy: true}}, ""},
		"its own does not answer":     {[]status.Member{away("cp-1"), away("cp-2"), away("cp-3")}, ""},
		"it is the only one, and ill": {[]status.Member{leaderless}, ""},
	} {
		got := r.quorumLostHere(c.members)
		if (len(got) == 0) != (c.want == "") || len(got) == 1 && !strings.Contains(got[0].Remedy, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
