package ui

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/status"
)

func ms(n float64) *float64 { n /= 1000; return &n }

func wellEtcd() *status.Etcd {
	e := &status.Etcd{Cluster: "prod", ID: "cdf818194e3a8c32", Time: noon, Health: status.Healthy, Voters: 3, Voting: 3, Quorum: 2, Tolerates: 1, KnownFrom: "cp-1",
		Compared: &status.Comparison{Revision: 5012, Members: 3, Agree: true, Hash: "9f31aa02"}}
	for i, id := range []string{"8e9e05c52164694d", "91bc3c398fb3c146", "fd422379fda50e48"} {
		address := "https://10.0.0.1" + string(rune('1'+i))
		e.Members = append(e.Members, status.EtcdMember{
			Name: machines[i], Node: machines[i], ID: id, Peer: address + ":2380", Client: address + ":2379", Answers: true, Healthy: true, Leader: i == 0,
			Version: "3.6.16", Storage: "3.6.0", Term: 4, Index: 48211, Revision: 5012, DBBytes: 21_300_000, InUse: 8_100_000, Free: 0.62,
			Quota: 8 << 30, Used: 0.0025, Fsync: ms(3.9), Commit: ms(7.8), Hash: "9f31aa02",
		})
	}
	return e
}

func sickEtcd() *status.Etcd {
	e := wellEtcd()
	e.Health, e.Voting, e.Tolerates, e.Compared = status.Degraded, 2, 0, &status.Comparison{Revision: 5012, Members: 2}
	e.Members[0].Hash, e.Members[0].Lag, e.Members[0].Fsync, e.Members[0].Commit = "00c0ffee", 12, ms(61), ms(14)
	e.Members[1] = status.EtcdMember{Name: "cp-2", Node: "cp-2", ID: "91bc3c398fb3c146", Peer: "https://10.0.0.12:2380", Client: "https://10.0.0.12:2379", Error: "dial tcp 10.0.0.12:2379: i/o timeout"}
	e.Members[2].Used, e.Members[2].Alarms, e.Members[2].DBBytes, e.Members[2].Fsync = 0.99, []string{"NOSPACE"}, 8<<30, nil
	e.Members = append(e.Members, status.EtcdMember{Name: "old", ID: "1f", Peer: "https://10.0.0.19:2380", Learner: true, Answers: true, Healthy: true, Version: "3.6.14"},
		status.EtcdMember{Name: "cp-4", Node: "cp-4", Peer: "https://10.0.0.14:2380"})
	e.Problems = []status.Problem{
		{Node: "cp-2", What: "dial tcp 10.0.0.12:2379: i/o timeout", Remedy: "if it is gone for good, slipway etcd remove cp-2"},
		{Node: "cp-3", What: "alarm NOSPACE", Remedy: "slipway etcd alarm recover makes room and takes it back"},
	}
	return e
}

func lostEtcd() *status.Etcd {
	e := sickEtcd()
	e.Health, e.Voting, e.Compared, e.Members = status.Down, 0, &status.Comparison{Members: 1, Why: "there are no two members that answer"}, e.Members[:2]
	return e
}

// TestEtcd: what a reader must see of each state, whatever the layout.
func TestEtcd(t *testing.T) {
	for name, test := range map[string]struct {
		e       *status.Etcd
		status  []string
		members []string
	}{
		"well": {wellEtcd(), []string{"healthy", "3 of 3 vote, 2 must", "1 may fail", "data equal on 3 members at revision 5012", "in sync", "62 %", "3.9 ms", "3.6.16"}, []string{"8e9e05c52164694d", "https://10.0.0.11:2380"}},
		"sick": {sickEtcd(), []string{"degraded", "data differs", "12 behind", "61.0 ms", "NOSPACE", "99.0 % of", "00c0ffee", "slipway etcd remove cp-2"}, []string{"not declared", "learner", "none"}},
		"lost": {lostEtcd(), []string{"no quorum", "1 of 3 answer, 2 must", "as cp-1 knows it", "data not compared: there are no two"}, []string{"no quorum"}},
	} {
		t.Run(name, func(t *testing.T) {
			has := func(text string, words []string) {
				for _, w := range words {
					if !strings.Contains(text, w) {
						t.Errorf("no %q in\n%s", w, text)
					}
				}
			}
			o, stdout, _ := output(Text)
			if err := o.Etcd(test.e); err != nil {
				t.Fatal(err)
			}
			has(stdout.String(), test.status)
			golden(t, "etcd-"+name+".txt", stdout.String())
			o, stdout, _ = output(Text)
			if err := o.EtcdMembers(test.e); err != nil {
				t.Fatal(err)
			}
			has(stdout.String(), test.members)
			golden(t, "etcd-members-"+name+".txt", stdout.String())
		})
	}
	o, stdout, _ := output(JSON)
	if err := o.Etcd(sickEtcd()); err != nil {
		t.Fatal(err)
	}
	golden(t, "etcd-sick.json", stdout.String())
	var back status.Etcd
	if err := json.Unmarshal(stdout.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sickEtcd(), &back); d != "" {
		t.Error(d)
	}
}

func TestEtcdActs(t *testing.T) {
	o, stdout, stderr := output(Text)
	for _, err := range []error{
		o.EtcdSnapshot(&status.Snapshot{Path: "/b/e.db", Member: "cp-2", Bytes: 21_300_000, Revision: 5012, Hash: "9f31aa02", Compared: true, Quorum: true, Seconds: 1.24}),
		o.EtcdSnapshot(&status.Snapshot{Path: "/b/e.db", Member: "cp-2", Bytes: 21_300_000, Revision: 5012, Hash: "9f31aa02", Seconds: 1.24}),
		o.EtcdDefragmented([]status.Defragmented{{Member: "cp-2", Before: 400 << 20, After: 20 << 20, Freed: 380 << 20, Seconds: 0.83}, {Member: "cp-1", Before: 20 << 20, After: 20 << 20, Skipped: "1 of 20 MiB could be freed, which is not worth it"}}),
		o.EtcdMembership(&status.Membership{Member: "cp-3", ID: "1f", Before: status.Count(3, 2), After: status.Count(2, 2), Notes: []string{"Keep it off the network."}, Snapshot: "/s/20261129T161155Z-before-remove.db"}, "removed"),
		o.EtcdAlarms([]status.Alarm{{Kind: "NOSPACE", Member: "cp-1", ID: "1f"}}),
		o.EtcdAlarms(nil),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "etcd-acts.txt", stdout.String()+"---\n"+stderr.String())

	o, stdout, _ = output(JSON)
	if err := o.EtcdAlarms(nil); err != nil || strings.TrimSpace(stdout.String()) != "[]" {
		t.Errorf("no alarms are %q in JSON: %v", stdout, err)
	}
}

func TestCountMajority(t *testing.T) {
	for _, test := range []struct{ voters, healthy, quorum, tolerates int }{
		{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 2, 0}, {3, 3, 2, 1}, {3, 2, 2, 0}, {3, 1, 2, 0}, {5, 5, 3, 2}, {5, 4, 3, 1},
	} {
		if m := status.Count(test.voters, test.healthy); m.Quorum != test.quorum || m.Tolerates != test.tolerates {
			t.Errorf("%+v: %+v", test, m)
		}
	}
}
