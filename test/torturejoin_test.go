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

// killedJoins is how often a join is killed and run again, resetJoins how often it is killed and taken back.
const killedJoins, resetJoins = 10, 3

// joinKill is one killed join of a control plane and the one after it.
type joinKill struct {
	after time.Duration // since the start of the process
	doing string        // the stages that it was in
	away  time.Duration // until the API answered at the endpoint again
	left  string        // etcd's members then, as the first control plane sees them
	next  time.Duration // how long the join after it took
}

// TestKilledJoins kills the join of a control plane with SIGKILL, in each tenth of its course once, and wants the
// cluster served meanwhile, the next join to end with two voters, and reset to leave one. The result is written to
// docs/results/torture-join.md.
func TestKilledJoins(t *testing.T) {
	c := newCluster(t, "killjoin", "10.94.0", "cp-1=11", "cp-2=12")
	c.bring("cp-1", "cp-2")
	c.by("cp-1", 0, "The control plane is up", "init -f /opt/node.hcl --bundle /opt/slipway.bundle --skip-join-commands")
	c.putFile("cp-2", "key", "")
	pristine := c.inventory("cp-2")
	start := time.Now()
	c.joinsWhole()
	whole := time.Since(start)
	c.leavesWhole(pristine)
	var done []joinKill
	for i := range killedJoins {
		part := whole / killedJoins
		k := joinKill{after: time.Duration(i)*part + rand.N(part)}
		log := c.killedAfter("cp-2", k.after, c.ticket("cp-2")+keyed)
		k.away = c.answers("cp-1", 2*time.Minute)
		k.doing, k.left = runningStages(t, log), c.membership("cp-1")
		start := time.Now()
		c.joinsWhole()
		k.next = time.Since(start)
		c.leavesWhole(pristine)
		t.Logf("killed after %4.1f s (%s; etcd: %s), the next join took %.1f s", k.after.Seconds(), k.doing, k.left, k.next.Seconds())
		done = append(done, k)
	}
	for range resetJoins { // and one that is given up leaves nothing either
		c.killedAfter("cp-2", whole/4+rand.N(whole*3/4), c.ticket("cp-2")+keyed)
		c.answers("cp-1", 2*time.Minute)
		c.leavesWhole(pristine)
	}
	writeJoinKills(t, whole, done)
}

// joinsWhole lets cp-2 join, and wants it to be a control plane like the first.
func (c *cluster) joinsWhole() {
	c.t.Helper()
	c.by("cp-2", 0, "is a control plane of the cluster", c.ticket("cp-2")+keyed)
	for _, m := range []string{"cp-1", "cp-2"} {
		if n := c.voters(m); n != 2 {
			c.t.Fatalf("%s sees %d voters, want 2", m, n)
		}
	}
	c.asAdmin("cp-2", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
}

// leavesWhole takes cp-2 out again.
func (c *cluster) leavesWhole(pristine string) {
	c.t.Helper()
	c.by("cp-2", 0, "as it was found", "reset --yes --purge")
	if now := c.inventory("cp-2"); now != pristine {
		c.t.Fatalf("cp-2 is not as it was found:\n%s", diff(pristine, now))
	}
	if n := c.voters("cp-1"); n != 1 {
		c.t.Fatalf("cp-2 has left, and there are %d voters, want 1", n)
	}
}

// membership tells etcd's members in words.
func (c *cluster) membership(machine string) string {
	c.t.Helper()
	var said []string
	for _, line := range strings.Split(strings.TrimSpace(c.members(machine)), "\n") {
		f := strings.Split(line, ", ") // ID, status, name, peer URLs, client URLs, learner
		name, kind := f[2], "voter"
		if f[5] == "true" {
			kind = "learner"
		}
		if name == "" {
			name, kind = "one", kind+" that has not started"
		}
		said = append(said, name+" "+kind)
	}
	return strings.Join(said, ", ")
}

func writeJoinKills(t *testing.T, whole time.Duration, kills []joinKill) {
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
	fmt.Fprintf(&b, `# Torture: the join of a control plane killed at random moments

Written by `+"`make torture`"+` (TestKilledJoins), commit %s, %s. An undisturbed join took %.1f s; each row is a kill
at a random moment of one of its %d equal parts.

To a cluster of one control plane a second joins: `+"`slipway join --control-plane`"+` is killed with SIGKILL, then run again, then
`+"`slipway reset`"+` takes the machine out, for the next row. Wanted, and seen each time: the API answers after the kill; the next join ends with
exit code 0, both nodes Ready and two voters, seen from both; reset leaves one voter and the machine as it was found. So does reset right after a kill, %d times.

| killed after | in the stages | the API answered again after | etcd's members then | next join took |
|---|---|---|---|---|
`, commit, time.Now().Format(time.DateOnly), whole.Seconds(), len(kills), resetJoins)
	for _, k := range kills {
		fmt.Fprintf(&b, "| %.1f s | %s | %.1f s | %s | %.1f s |\n", k.after.Seconds(), k.doing, k.away.Seconds(), k.left, k.next.Seconds())
	}
	fmt.Fprintf(&b, "\n%d of %d.\n", len(kills), len(kills))
	if err := os.WriteFile(filepath.Join(root, "docs", "results", "torture-join.md"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
