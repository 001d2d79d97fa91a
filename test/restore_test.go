//go:build torture

package test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// restored is the namespace of what is archived, changed, and wanted back.
const restored = "restored"

// TestRestore brings a cluster back on its machines, then with the restore killed again and again, and then on new machines, the three
// control planes being dead and the state directory lost. RESTORE_KILLS says how often it is killed (4).
func TestRestore(t *testing.T) {
	c := newCluster(t, "res", "10.64.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21")
	body := func(more ...string) string {
		out := "load_balancer \"vip\" {}\n"
		for _, last := range more {
			out += nodeBlock("cp-"+last[1:], "control-plane", last)
		}
		return out + nodeBlock("w-1", "worker", "21")
	}
	file := c.write(body("11", "12", "13"))
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1")
	c.inhabit()
	c.must("join-command", "-f", file) // from then on the cluster keeps its declaration itself
	a, key := c.archive(file)
	archived, pods := c.contents(), c.running()
	watched := c.informed()
	revision := c.revision()
	c.spoil()
	c.restoreRefuses(file, a, key, body("11", "12", "13"))

	r := c.run("restore", "-f", file, a, "--yes")
	if r.code != 0 {
		t.Fatalf("restore: exit %d\n%s", r.code, r.stderr)
	}
	t.Logf("restored on the same machines in %.1f s", r.took.Seconds())
	c.restoredTo(archived, pods, file, "cp-1", "cp-2", "cp-3", "w-1")
	c.expired(revision)
	eventually(t, time.Minute, "an informer from before sees what there is", func() error { return same(archived, watched()) })

	t.Run("killed", func(t *testing.T) { c.restoresKilled(t, file, a, archived, pods, r.took) })
	t.Run("new machines", func(t *testing.T) { c.restoresElsewhere(t, a, key, archived, pods, body) })
}

// restoresKilled kills a restore at random moments, each in its part of the whole, and wants the next to finish.
func (c *cluster) restoresKilled(t *testing.T, file, a string, archived, pods map[string]string, whole time.Duration) {
	kills := killsOf(t, "RESTORE_KILLS", 4)
	part := whole / time.Duration(kills)
	for i := range kills {
		c.spoil()
		after := time.Duration(i)*part + rand.N(part)
		doing := c.killed(after, "restore", "-f", file, a, "--yes")
		half := c.run("apply", "-f", file)
		if half.code == 3 {
			c.says(half, 3, "stands half way", "slipway restore -f")
			if s := c.run("status", "-f", file); !strings.Contains(s.stdout+s.stderr, "stands half way") {
				t.Errorf("status does not say so:\n%s%s", s.stdout, s.stderr)
			}
		}
		r := c.run("restore", "-f", file, a, "--yes")
		if r.code != 0 {
			t.Fatalf("restore after a kill at %s (%s): exit %d\n%s", after.Round(time.Millisecond), doing, r.code, r.stderr)
		}
		t.Logf("killed after %.1f s (%s), apply then exit %d, the next restore took %.1f s", after.Seconds(), doing, half.code, r.took.Seconds())
		c.restoredTo(archived, pods, file, "cp-1", "cp-2", "cp-3", "w-1")
	}
}

// restoresElsewhere loses all control planes and the operator's state, and restores on new machines at new addresses.
func (c *cluster) restoresElsewhere(t *testing.T, a, key string, archived, pods map[string]string, body func(...string) string) {
	c.labUp("cp-4=14", "cp-5=15", "cp-6=16") // which would start the others again
	c.lab("kill", "cp-1", "cp-2", "cp-3")
	if err := os.Rename(filepath.Join(c.dir, ".slipway"), filepath.Join(c.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	file := c.write(body("14", "15", "16"))
	c.says(c.run("restore", "-f", file, a, "--yes"), 3, "the state directory is empty", "--identity")
	c.says(c.run("restore", "-f", file, a, "--identity", key, "--yes"), 4, "cp-1", "does not answer", "--gone cp-1")
	r := c.run("restore", "-f", file, a, "--identity", key, "--gone", "cp-1,cp-2,cp-3", "--yes")
	if r.code != 0 {
		t.Fatalf("restore: exit %d\n%s", r.code, r.stderr)
	}
	t.Logf("restored on new machines in %.1f s", r.took.Seconds())
	if r.took > 10*time.Minute {
		t.Errorf("it took %s", r.took)
	}
	c.restoredTo(archived, pods, file, "cp-4", "cp-5", "cp-6", "w-1")
	declared := c.exec("cp-4", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "-n", "kube-system", "get", "configmap", "slipway", "-o", "yaml")
	if strings.Contains(declared, `"cp-1"`) || !strings.Contains(declared, `"cp-4"`) {
		t.Errorf("those who join are told of other control planes:\n%s", declared)
	}
}
