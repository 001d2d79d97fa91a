package bootstrap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// TestJournalOfAChangeOfVersion: what the file may say while a change stands half way, and what rollback may do.
func TestJournalOfAChangeOfVersion(t *testing.T) {
	begun := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	half := rollout{From: "1.35.4", To: "1.36.3", Begun: begun}
	done, back, undone := half, half, half
	done.Finished, back.Back, undone.Back, undone.Finished = begun.Add(time.Hour), true, true, begun.Add(time.Hour)
	for name, test := range map[string]struct {
		journal  rollout
		was, now string
		takeBack bool
		refused  string // "" for none
		aim      string // of the run; "" for the file's
	}{
		"a first change":                   {rollout{}, "1.35.4", "1.36.3", false, "", "1.36.3"},
		"no change":                        {done, "1.36.3", "1.36.3", false, "", ""},
		"half way, and on":                 {half, "1.35.4", "1.36.3", false, "", "1.36.3"},
		"half way, and the file back":      {half, "1.35.4", "1.35.4", false, "slipway rollback", ""},
		"half way, and another":            {half, "1.35.4", "1.34.4", false, "which finishes it", ""},
		"on the way back":                  {back, "1.36.3", "1.36.3", false, "is being taken back", ""},
		"back, and up again":               {undone, "1.35.4", "1.36.3", false, "", "1.36.3"},
		"rollback of nothing":              {rollout{}, "1.36.3", "1.36.3", true, "never changed", ""},
		"rollback half way":                {half, "1.35.4", "1.36.3", true, "", "1.35.4"},
		"rollback of a finished one":       {done, "1.36.3", "1.36.3", true, "", "1.35.4"},
		"rollback goes on":                 {back, "1.36.3", "1.36.3", true, "", "1.35.4"},
		"rollback twice":                   {undone, "1.35.4", "1.36.3", true, "taken back already", ""},
		"rollback of what is not the last": {done, "1.34.4", "1.36.3", true, "the cluster runs 1.34.4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			r.Cluster.Kubernetes, r.TakeBack = test.now, test.takeBack
			if err := r.dir.Put(rolloutFile, test.journal); err != nil {
				t.Fatal(err)
			}
			refusals, err := r.guardVersion(test.was)
			said := ""
			for _, o := range refusals {
				said += o.Detail
			}
			if err != nil {
				said = err.Error()
			}
			if nothing := new(NothingToTakeBackError); err != nil && !errors.As(err, &nothing) {
				t.Fatal(err)
			}
			if (test.refused == "") != (said == "") || !strings.Contains(said, test.refused) {
				t.Fatalf("refused with %q, want %q", said, test.refused)
			}
			if (r.rollout != nil) != (test.aim != "") || r.rollout != nil && r.Cluster.Kubernetes != test.aim {
				t.Errorf("it goes to %s with the journal %+v, want %q", r.Cluster.Kubernetes, r.rollout, test.aim)
			}
			if test.aim == "" {
				return
			}
			if r.back() != test.takeBack {
				t.Errorf("it goes back: %t", r.back())
			}
			if got := r.applying().Kubernetes; got == r.Cluster.Kubernetes {
				t.Errorf("while it is under way the cluster counts as one of %s already", got)
			}
		})
	}
}

// TestTheHolderComesLast: the shared address then moves once, to a machine that is done.
func TestTheHolderComesLast(t *testing.T) {
	r := newRun(t)
	a, b, c := r.machines[0], r.machines[1], r.machines[2]
	a.facts.Addresses["10.0.0.100"] = "eth0"
	if got := namesOf(r.holderLast([]*machine{a, b, c})); strings.Join(got, " ") != "w-1 lb-1 cp-1" {
		t.Errorf("the order is %v", got)
	}
	r.Cluster.LoadBalancer.Kind = spec.NodeLocal
	if got := namesOf(r.holderLast([]*machine{a, b, c})); strings.Join(got, " ") != "cp-1 w-1 lb-1" {
		t.Errorf("without a shared address the order is %v", got)
	}
}

func TestBatchesOfWorkers(t *testing.T) {
	r := newRun(t)
	var all []*machine
	r.Cluster.Nodes = nil
	for _, name := range []string{"w-1", "w-2", "w-3", "w-4", "w-5"} {
		n := declare(name, spec.Worker, "10.0.0.1")
		r.Cluster.Nodes = append(r.Cluster.Nodes, n)
		all = append(all, &machine{node: n})
	}
	for share, want := range map[string]string{"1": "1 1 1 1 1", "2": "2 2 1", "50%": "2 2 1", "10%": "1 1 1 1 1", "100%": "5", "9": "5"} {
		r.Cluster.Upgrade.MaxUnavailable = share
		var sizes []string
		for batch := range r.batches(all) {
			sizes = append(sizes, string(rune('0'+len(batch))))
		}
		if got := strings.Join(sizes, " "); got != want {
			t.Errorf("%s of 5: batches of %s, want %s", share, got, want)
		}
	}
}

func TestEstimate(t *testing.T) {
	kept := []statedir.Timing{{Stage: "workers", Node: "w-1", Took: 20 * time.Second}, {Stage: "workers", Node: "w-2", Took: 30 * time.Second}, {Stage: "images", Node: "w-1", Took: time.Hour}}
	for nodes, want := range map[string]time.Duration{"w-1": 20 * time.Second, "w-1 w-2": 30 * time.Second, "w-9": 30 * time.Second} {
		if got := estimate(kept, "workers", strings.Fields(nodes)); got != want {
			t.Errorf("workers on %s: %s, want %s", nodes, got, want)
		}
	}
	if got := estimate(kept, "snapshot", nil); got != 0 {
		t.Errorf("what was never measured takes %s", got)
	}
}

func TestDisturbing(t *testing.T) {
	for id, want := range map[string]bool{
		"file /etc/kubernetes/manifests/etcd.yaml": true, "unit kubelet.service": true, "unit slipway-backup.timer": false, "file /etc/sysctl.d/1.conf": false, "image a": false,
	} {
		if got := disturbing([]node.Change{{ID: id, Action: node.Restart}}); got != want {
			t.Errorf("%s: %t", id, got)
		}
	}
}
