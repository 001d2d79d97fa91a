package bootstrap

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

// TestPeer: without a way back a machine is not cut off.
func TestPeer(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1 51522 10.0.0.11 22\n":             "10.0.0.1:22",
		"::ffff:10.0.0.1 51522 10.0.0.11 2222":      "10.0.0.1:2222",
		"fe80::1%eth0 51522 fe80::2%eth0 22":        "[fe80::1]:22",
		"":                                          "",
		"10.0.0.1 51522":                            "",
		"somewhere 51522 10.0.0.11 22":              "",
		"10.0.0.1 51522 10.0.0.11 none":             "",
		"10.0.0.1 51522 10.0.0.11 22 and something": "",
	} {
		from, port, err := parsePeer(text)
		got := ""
		if err == nil {
			got = netip.AddrPortFrom(from, port).String()
		}
		if got != want {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
}

// TestBrokenByRefuses: what could not come through is refused before anything is connected to.
func TestBrokenByRefuses(t *testing.T) {
	three := func(r *Run) {
		r.Cluster.Nodes = nil
		for _, name := range []string{"cp-1", "cp-2", "cp-3"} {
			r.Cluster.Nodes = append(r.Cluster.Nodes, spec.Node{Name: name, Role: spec.ControlPlane})
		}
	}
	began := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		set  func(*Run, *Drill) error
		want string
	}{
		"one control plane": {func(r *Run, _ *Drill) error { r.Cluster.Nodes = r.Cluster.Nodes[:1]; return nil }, "takes 3 control planes, and the file declares"},
		"a stranger":        {func(r *Run, d *Drill) error { three(r); d.Node = "cp-9"; return nil }, `--node: "cp-9" is none of the control planes: cp-1, cp-2, cp-3`},
		"a restore half way": {func(r *Run, _ *Drill) error {
			three(r)
			return r.dir.Put(restoreFile, restoration{File: "a.slipway", Begun: began})
		}, "stands half way"},
		"a recovery half way": {func(r *Run, _ *Drill) error {
			three(r)
			return r.dir.Put(recoveryFile, Recovery{Survivor: "cp-1", Begun: began})
		},
			"the recovery of etcd from cp-1 stands half way"},
		"a change half way": {func(r *Run, _ *Drill) error {
			three(r)
			return r.dir.Put(rolloutFile, rollout{From: "1.35.4", To: "1.36.3", Begun: began})
		}, "a change from 1.35.4 to 1.36.3 stands half way"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t)
			var d Drill
			if err := c.set(r, &d); err != nil {
				t.Fatal(err)
			}
			report, err := r.brokenBy(t.Context(), "node-loss", 3, d, course{})
			if report != nil || err == nil || !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), c.want) {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
	if !isUnfit(errors.Join(unfit("cp-1", "what", "remedy"))) || isUnfit(errors.New("other")) {
		t.Error("a disk that is refused is not told from one that cannot be asked about")
	}
}
