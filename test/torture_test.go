//go:build torture

package test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestKilledApplies kills apply with SIGKILL at random moments of a fresh install, each time on fresh machines, and
// wants the next apply to end in a healthy cluster with the same authority. TORTURE_KILLS says how often (20).
func TestKilledApplies(t *testing.T) {
	kills := 20
	if v := os.Getenv("TORTURE_KILLS"); v != "" {
		var err error
		if kills, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	// How long a whole install takes here, so that the moments spread over all of it.
	whole := 45 * time.Second
	for i := range kills {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			c := newCluster(t, "torture", "10.85.0", highlyAvailableMachines()...)
			file := c.write(highlyAvailable())
			after := time.Duration(rand.Int64N(int64(whole)))
			start := time.Now()
			killed, doing := c.applyKilled(file, after)
			id := c.clusterID()
			if !killed {
				whole = time.Since(start)
			}
			r := c.run("apply", "-f", file)
			if r.code != 0 {
				t.Fatalf("apply after a kill at %s (%s): exit %d\n%s", after.Round(time.Millisecond), doing, r.code, r.stderr)
			}
			c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
			c.becomesHealthy(file)
			if now := c.clusterID(); id != "" && now != id {
				t.Fatalf("the cluster's id was %s and is %s", id, now)
			}
			t.Logf("killed after %4.1f s (%s), the next apply took %.1f s", after.Seconds(), doing, r.took.Seconds())
		})
	}
}

// applyKilled runs apply and kills it; whether it was still running, and the last stage that it began.
func (c *cluster) applyKilled(file string, after time.Duration) (killed bool, doing string) {
	log, err := os.Create(filepath.Join(c.dir, "killed.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(c.binary, "apply", "-f", file)
	cmd.Dir, cmd.Stderr = c.dir, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { killed = cmd.Process.Signal(syscall.SIGKILL) == nil })
	_ = cmd.Wait() // killed is no error here
	timer.Stop()
	return killed, lastStage(c.t, log.Name())
}
