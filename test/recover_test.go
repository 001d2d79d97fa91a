//go:build torture

package test

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRecover loses two of three control planes, makes a cluster of the third with a recover that is killed again and again, lets one
// of the lost come back with its old data, and grows back to three with all that was acknowledged.
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
	for range 3 {
		c.recoverKilled(file, time.Second+rand.N(15*time.Second))
	}
	if r := c.run("etcd", "recover", "-f", file, "--yes"); r.code != 0 && !strings.Contains(r.stderr, "etcd has its quorum") {
		t.Fatalf("recover: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if got := c.membersAt("cp-1"); got != "cp-1" {
		t.Errorf("members are %q", got)
	}
	c.unlost(before)
	if out := c.exec("cp-1", "sh", "-c", "ls -d /var/lib/slipway-removed/*/etcd-before-recover/member; grep -c force-new /etc/kubernetes/manifests/etcd.yaml || true"); !strings.Contains(out, "/member") || !strings.HasSuffix(strings.TrimSpace(out), "0") {
		t.Errorf("what recover left:\n%s", out)
	}

	// Both come back with their old data, which is a quorum of what they know: they are told that they were removed.
	c.lab("start", "cp-2")
	c.lab("start", "cp-3")
	time.Sleep(30 * time.Second)
	for _, m := range []string{"cp-2", "cp-3"} {
		if out := c.exec(m, "sh", "-c", etcdctl+"--command-timeout=3s get --prefix /registry/namespaces --keys-only 2>&1 || echo none"); !strings.Contains(out, "none") {
			t.Errorf("%s is a cluster of its own:\n%s", m, out)
		}
	}
	c.becomes(1, 2, 3)
	c.unlost(before)
}

func (c *cluster) recoverKilled(file string, after time.Duration) {
	cmd := exec.Command(c.binary, "etcd", "recover", "-f", file, "--yes")
	cmd.Dir = c.dir
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) }) // it may have finished
	_ = cmd.Wait()                                                                     // killed is no error here
	timer.Stop()
	c.t.Logf("recover killed after %s: %t", after, !cmd.ProcessState.Success())
}
