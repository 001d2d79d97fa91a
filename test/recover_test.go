//go:build torture

package test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRecover loses two of three control planes, makes a cluster of the third, lets the lost come back with their old data, and grows
// back to three with all that was acknowledged; and then again with recovers that are killed. RECOVER_KILLS says how often (4).
func TestRecover(t *testing.T) {
	c := newCluster(t, "mem", "10.62.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21")
	file := c.write(planes(1, 2, 3))
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1")
	before := c.loaded()
	if out := c.want(1, "etcd", "recover", "-f", file, "--yes"); !strings.Contains(out, "etcd has its quorum") {
		t.Errorf("recover of a cluster that is well:\n%s", out)
	}
	time.Sleep(2 * time.Second) // the last write has reached all
	c.lab("kill", "cp-2")
	c.lab("kill", "cp-3")
	c.want(5, "status", "-f", file)
	for _, verb := range []string{"plan", "apply"} {
		start := time.Now()
		out := c.want(5, verb, "-f", file)
		if !strings.Contains(out, "slipway etcd recover") || time.Since(start) > time.Minute {
			t.Errorf("%s took %s:\n%s", verb, time.Since(start), out)
		}
	}
	// One that is back with its disk is a quorum with the other.
	c.lab("start", "cp-2")
	eventually(t, 2*time.Minute, "a quorum of two", func() error {
		_, err := c.client().CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}) // which etcd answers with a quorum only
		return err
	})
	c.want(1, "etcd", "recover", "-f", file, "--yes")
	c.lab("kill", "cp-2")

	if out := c.want(3, "etcd", "recover", "-f", file); !strings.Contains(out, "nothing was changed") || !strings.Contains(out, "cp-1 becomes the only member") {
		t.Errorf("recover without an answer:\n%s", out)
	}
	r := c.run("etcd", "recover", "-f", file, "--yes")
	if r.code != 0 {
		t.Fatalf("recover: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	t.Logf("recovered in %.1f s", r.took.Seconds())
	c.recovered(before)
	c.growsBack(before)
	t.Run("killed", func(t *testing.T) { c.recoversKilled(t, file, before, r.took) })
	t.Run("the lost come back", func(t *testing.T) { c.comesBack(t, file, before, r.took) })
}

// recoversKilled kills recover at random moments of its course, up to six times for each time that two control planes are lost; then
// the next is left alone and must finish, and the lost come back. What was done before a kill is not done again, so that the moments
// are taken from the first two thirds of what an undisturbed one takes.
func (c *cluster) recoversKilled(t *testing.T, file string, before map[string]string, whole time.Duration) {
	c.t = t
	kills := killsOf(t, "RECOVER_KILLS", 4)
	for n := 0; n < kills; {
		c.lab("kill", "cp-2", "cp-3")
		for range min(6, kills-n) {
			after := rand.N(whole * 2 / 3)
			doing := c.killed(after, "etcd", "recover", "-f", file, "--yes")
			if doing == finished {
				break
			}
			n++
			half := c.run("apply", "-f", file)
			t.Logf("kill %d after %.1f s (%s), apply then exit %d", n, after.Seconds(), doing, half.code)
			if c.halfRecovered() {
				c.says(half, 5, "stands half way", "slipway etcd recover -f")
			} else { // it had not begun yet
				c.says(half, 5, "has lost its quorum", "slipway etcd recover -f")
			}
		}
		r := c.run("etcd", "recover", "-f", file, "--yes")
		if r.code != 0 && !strings.Contains(r.stderr, "etcd has its quorum") {
			t.Fatalf("recover: exit %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		t.Logf("the next recover took %.1f s", r.took.Seconds())
		c.recovered(before)
		c.growsBack(before)
	}
}

// halfRecovered is whether the state directory keeps a recovery that stands half way.
func (c *cluster) halfRecovered() bool {
	c.t.Helper()
	_, err := os.Stat(filepath.Join(c.dir, ".slipway", c.name, "recovery.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return err == nil
}

// comesBack kills a recover half way, and lets the others come back with their data: it is not gone on with, but called off. Early, the
// survivor is put back; late, it is a cluster of its own, which is given up for that of the others.
func (c *cluster) comesBack(t *testing.T, file string, before map[string]string, whole time.Duration) {
	c.t = t
	for _, late := range []bool{false, true} {
		c.lab("kill", "cp-2", "cp-3")
		c.halfWay(file, whole, late)
		c.lab("start", "cp-2", "cp-3")
		c.says(c.run("apply", "-f", file), 5, "stands half way")
		if s := c.run("status", "-f", file); s.code == 0 || !strings.Contains(s.stdout+s.stderr, "stands half way") {
			t.Errorf("status, exit %d, does not say so:\n%s%s", s.code, s.stdout, s.stderr)
		}
		c.says(c.run("etcd", "recover", "-f", file, "--yes"), 5, "came back with data", "--abandon")
		c.says(c.run("etcd", "recover", "-f", file, "--abandon"), 3, "is called off", "nothing was changed")
		c.must("etcd", "recover", "-f", file, "--abandon", "--yes")
		c.says(c.run("etcd", "recover", "-f", file, "--abandon", "--yes"), 1, "no recovery stands half way")
		c.becomes(1, 2, 3)
		c.unlost(before)
	}
}

// halfWay kills recovers until one has begun: before or after the survivor is a cluster of its own.
func (c *cluster) halfWay(file string, whole time.Duration, late bool) {
	c.t.Helper()
	path := filepath.Join(c.dir, ".slipway", c.name, "recovery.json")
	cmd := exec.Command(c.binary, "etcd", "recover", "-f", file, "--yes")
	cmd.Dir = c.dir
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	want := `"survivor"`
	if late {
		want = `"forced": true`
	}
	for range int(whole/time.Second) * 30 {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), want) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(4 * time.Second) // the survivor's etcd is being stopped, or started
	if err := cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = cmd.Wait() // killed is no error here
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), want) {
		c.t.Fatalf("the recovery is not half way: %v", err)
	}
}

// recovered wants the only control plane to have all that was written, and what it had before beside it.
func (c *cluster) recovered(before map[string]string) {
	c.t.Helper()
	if got := c.membersAt("cp-1"); got != "cp-1" {
		c.t.Errorf("members are %q", got)
	}
	c.unlost(before)
	if out := c.exec("cp-1", "sh", "-c", "ls -d /var/lib/slipway-removed/*/etcd-before-recover/member; grep -c force-new /etc/kubernetes/manifests/etcd.yaml || true"); !strings.Contains(out, "/member") || !strings.HasSuffix(strings.TrimSpace(out), "0") {
		c.t.Errorf("what recover left:\n%s", out)
	}
}

// growsBack lets the lost come back with their old data, which is a quorum of what they know: they are told that they were removed.
// Then apply takes them in again.
func (c *cluster) growsBack(before map[string]string) {
	c.t.Helper()
	c.lab("start", "cp-2", "cp-3")
	time.Sleep(30 * time.Second)
	for _, m := range []string{"cp-2", "cp-3"} {
		if out := c.exec(m, "sh", "-c", etcdctl+"--command-timeout=3s get --prefix /registry/namespaces --keys-only 2>&1 || echo none"); !strings.Contains(out, "none") {
			c.t.Errorf("%s is a cluster of its own:\n%s", m, out)
		}
	}
	c.becomes(1, 2, 3)
	c.unlost(before)
}
