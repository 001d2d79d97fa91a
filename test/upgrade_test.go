//go:build torture

package test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestUpgrade takes a loaded cluster from the oldest version to the newest, one minor at a time.
func TestUpgrade(t *testing.T) {
	t.Setenv("KUBERNETES", "1.34.4")
	c := newCluster(t, "upgrade", "10.88.0", highlyAvailableMachines()...)
	c.must("apply", "-f", c.write(highlyAvailable()))
	c.t.Log("1.34.4 is up")
	for _, version := range []string{"1.35.4", "1.36.3"} {
		if err := os.Setenv("KUBERNETES", version); err != nil {
			t.Fatal(err)
		}
		file := c.write(highlyAvailable())
		start := time.Now()
		r := c.run("apply", "-f", file)
		t.Logf("to %s: exit %d after %.1f s", version, r.code, time.Since(start).Seconds())
		if r.code != 0 {
			t.Fatalf("%s", r.stderr)
		}
		t.Log(r.stderr)
		c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
		nodes := c.exec("cp-1", "env", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl", "get", "nodes", "--no-headers")
		if strings.Count(nodes, "v"+version) != 5 || strings.Contains(nodes, "SchedulingDisabled") {
			t.Errorf("nodes:\n%s", nodes)
		}
		c.want(0, "plan", "-f", file)
		c.want(0, "status", "-f", file)
		fmt.Println(nodes)
	}
}
