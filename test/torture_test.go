//go:build torture

package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kill is one killed apply and the one after it.
type kill struct {
	after time.Duration // since the start of the process
	doing string        // the stages that it was in
	next  time.Duration // how long the apply after it took
}

// TestKilledApplies kills apply with SIGKILL at random moments of a fresh install, each time on fresh machines, and
// wants the next apply to end in a healthy cluster with the same authority. TORTURE_KILLS says how often (20).
// The install is divided into as many parts, each of which sees one kill. The result is written to
// docs/results/torture.md.
func TestKilledApplies(t *testing.T) {
	kills := killsOf(t, "TORTURE_KILLS", 20)
	var whole time.Duration
	if !t.Run("undisturbed", func(t *testing.T) { whole = undisturbed(t) }) {
		t.FailNow()
	}
	part := whole / time.Duration(kills)
	var done []kill
	for i := range kills {
		after := time.Duration(i)*part + rand.N(part)
		t.Run(fmt.Sprint(i+1), func(t *testing.T) { done = append(done, killAndApply(t, after)) })
	}
	if !t.Failed() {
		writeKills(t, whole, done)
	}
}

// undisturbed is how long an install takes here when nothing kills it.
func undisturbed(t *testing.T) time.Duration {
	c := newCluster(t, "torture", "10.85.0", highlyAvailableMachines()...)
	r := c.run("apply", "-f", c.write(highlyAvailable()))
	if r.code != 0 {
		t.Fatalf("apply: exit %d\n%s", r.code, r.stderr)
	}
	return r.took
}

func killAndApply(t *testing.T, after time.Duration) kill {
	c := newCluster(t, "torture", "10.85.0", highlyAvailableMachines()...)
	file := c.write(highlyAvailable())
	k := kill{after: after, doing: c.killed(after, "apply", "-f", file)}
	id := c.clusterID()
	r := c.run("apply", "-f", file)
	if r.code != 0 {
		t.Fatalf("apply after a kill at %s (%s): exit %d\n%s", after.Round(time.Millisecond), k.doing, r.code, r.stderr)
	}
	k.next = r.took
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
	c.becomesHealthy(file)
	if now := c.clusterID(); id != "" && now != id {
		t.Fatalf("the cluster's id was %s and is %s", id, now)
	}
	t.Logf("killed after %4.1f s (%s), the next apply took %.1f s", after.Seconds(), k.doing, r.took.Seconds())
	return k
}

func writeKills(t *testing.T, whole time.Duration, kills []kill) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	commit, err := sourceCommit(root)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Torture: apply killed at random moments

Written by `+"`make torture`"+`, commit %s, %s. An undisturbed install took %.1f s; it is divided
into %d equal parts, and each row is a kill at a random moment of one of them.

Each row is five fresh machines (three control planes, two workers, a shared address): `+"`slipway apply`"+` is killed with SIGKILL,
then run again. Wanted, and seen each time: exit code 0, five nodes Ready and every pod of kube-system running, `+"`slipway status`"+`
healthy, and the same authority as before the kill.

| killed after | in the stages | next apply took | |
|---|---|---|---|
`, commit, time.Now().Format(time.DateOnly), whole.Seconds(), len(kills))
	for _, k := range kills {
		fmt.Fprintf(&b, "| %.1f s | %s | %.1f s | healthy, same authority |\n", k.after.Seconds(), k.doing, k.next.Seconds())
	}
	fmt.Fprintf(&b, "\n%d of %d.\n", len(kills), len(kills))
	if err := os.WriteFile(filepath.Join(root, "docs", "results", "torture.md"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
