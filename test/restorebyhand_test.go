//go:build torture

package test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRestoreByHand brings a cluster back that people made by hand, on one of its control planes after the others died, with the restore
// killed, and then on a machine that was in no cluster, after all of them did. Each time another control plane joins what there is then.
func TestRestoreByHand(t *testing.T) {
	c := newCluster(t, "handres", "10.60.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21")
	planes := []string{"cp-1", "cp-2", "cp-3"}
	c.bring("cp-1", "cp-2", "cp-3", "w-1")
	c.beganByHand(planes)
	_, recipient := c.key("identity")
	c.by("cp-1", 0, "", "etcd backup --recipient "+recipient+" /opt/a.slipway")
	pods := c.asAdmin("cp-1", "get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=w-1", "-o", "jsonpath={.items[*].status.containerStatuses[*].containerID}")
	c.spoilByHand("cp-1")

	const restore = "restore /opt/a.slipway --bundle /opt/slipway.bundle --yes"
	c.by("cp-1", 4, "two clusters must not run side by side", restore+" --gone cp-2,cp-3")
	c.by("w-1", 3, "this machine is a worker", restore)
	c.lab("kill", "cp-2", "cp-3")
	c.by("cp-1", 4, "cannot be told from here", restore+" --gone cp-2")
	c.by("cp-1", 3, "no control plane of that name", restore+" --gone cp-2,cp-3,cp-9")
	c.by("cp-1", 3, "is cp-1 in its cluster", restore+" --gone cp-2,cp-3 --node-name cp-7")
	c.killedAfter("cp-1", 5*time.Second+rand.N(40*time.Second), restore+" --gone cp-2,cp-3")
	out := c.said("cp-1", "status")
	t.Logf("status after the kill:\n%s", out)
	if strings.Contains(out, "stands half way") && !strings.Contains(out, "slipway restore /opt/a.slipway --gone cp-2,cp-3 finishes it") {
		t.Errorf("status does not say how it goes on:\n%s", out)
	}
	c.by("cp-1", 0, "This machine is the only control plane", restore+" --gone cp-2,cp-3")
	c.restoredByHand("cp-1", pods)

	c.lab("start", "cp-2") // with its old disk, which is of a cluster that is no more
	c.by("cp-2", 0, "", "reset --yes --purge")
	c.by("cp-2", 0, "is a control plane of the cluster", c.ticket("cp-2")+keyed)
	if n := c.voters("cp-1"); n != 2 {
		t.Errorf("%d voters, want 2", n)
	}
	if out := c.exec("cp-2", "ls", "/var/lib/slipway/cluster/state/snapshots"); !strings.Contains(out, "-before-members.db") {
		t.Errorf("it has kept no snapshot before it joined: %s", out)
	}

	t.Run("new machine", func(*testing.T) { c.restoresAnew(pods) })
}

// restoresAnew loses every control plane, and makes another machine the only one.
func (c *cluster) restoresAnew(pods string) {
	c.t.Helper()
	if err := copyFile(filepath.Join(c.labDir(), "machines", "cp-1", "root", "opt", "a.slipway"), filepath.Join(c.dir, "a.slipway")); err != nil {
		c.t.Fatal(err)
	}
	c.labUp("cp-4=14") // which would start the others again
	c.lab("kill", "cp-1", "cp-2", "cp-3")
	c.bring("cp-4")
	opt := filepath.Join(c.labDir(), "machines", "cp-4", "root", "opt")
	for _, name := range []string{"a.slipway", "identity"} {
		if err := copyFile(filepath.Join(c.dir, name), filepath.Join(opt, name)); err != nil {
			c.t.Fatal(err)
		}
	}
	c.exec("cp-4", "chmod", "600", "/opt/identity")
	const restore = "restore /opt/a.slipway --bundle /opt/slipway.bundle --yes --gone cp-1,cp-2,cp-3"
	c.by("cp-4", 3, "with --here", restore)
	c.by("cp-4", 3, "--identity", restore+" --here")
	c.by("cp-4", 4, "--gone cp-1", "restore /opt/a.slipway --bundle /opt/slipway.bundle --yes --here --identity /opt/identity")
	c.exec("cp-4", "bash", "-c", "! ls /etc/kubernetes /var/lib/slipway/inventory.json /var/lib/slipway/cluster/cluster.hcl 2>/dev/null")
	c.killedAfter("cp-4", 5*time.Second+rand.N(30*time.Second), restore+" --here --identity /opt/identity")
	c.by("cp-4", 0, "This machine is the only control plane", restore+" --here --identity /opt/identity")
	c.restoredByHand("cp-4", pods)
	if out := c.asAdmin("cp-4", "get", "nodes", "-o", "name"); out != "node/cp-4\nnode/w-1\n" {
		c.t.Errorf("nodes:\n%s", out)
	}
}

func (c *cluster) spoilByHand(machine string) {
	c.t.Helper()
	c.asAdmin(machine, "delete", "configmap", "kept")
	c.asAdmin(machine, "create", "configmap", "later", "--from-literal=a=b")
}

// restoredByHand wants what the archive holds, on that one control plane, with the worker's pods as they were.
func (c *cluster) restoredByHand(machine, pods string) {
	c.t.Helper()
	if out := c.asAdmin(machine, "get", "configmaps", "-o", "name"); !strings.Contains(out, "/kept\n") || strings.Contains(out, "/later\n") {
		c.t.Errorf("ConfigMaps on %s:\n%s", machine, out)
	}
	if n := c.voters(machine); n != 1 {
		c.t.Errorf("%d voters, want 1", n)
	}
	c.answers("w-1", time.Minute)
	eventually(c.t, 3*time.Minute, "all healthy", func() error {
		if out := c.said(machine, "status"); !strings.HasSuffix(out, "exit 0\n") {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
	c.asAdmin(machine, "wait", "--for=condition=Ready", "node/w-1", "--timeout=120s")
	c.asAdmin(machine, "-n", "kube-system", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s")
	now := c.asAdmin(machine, "get", "pods", "-l", "app=web", "--field-selector", "spec.nodeName=w-1", "-o", "jsonpath={.items[*].status.containerStatuses[*].containerID}")
	for _, was := range strings.Fields(pods) { // more may have come, from control planes that are gone
		if !strings.Contains(now, was) {
			c.t.Errorf("the worker's containers were %s and are %s", pods, now)
		}
	}
	declared := c.asAdmin(machine, "-n", "kube-system", "get", "configmap", "slipway", "-o", "yaml")
	if strings.Contains(declared, `node "cp-3"`) || !strings.Contains(declared, fmt.Sprintf("node %q", machine)) {
		c.t.Errorf("those who join are told of other control planes:\n%s", declared)
	}
}
