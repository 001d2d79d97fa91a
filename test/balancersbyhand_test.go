//go:build torture

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNodeLocalByHand: a worker's own balancer learns of a control plane that joins, and forgets it when it leaves.
func TestNodeLocalByHand(t *testing.T) {
	c := newCluster(t, "cplocal", "10.93.0", "cp-1=11", "cp-2=12", "w-1=21")
	c.bring("cp-1", "cp-2", "w-1")
	c.redraft(`load_balancer "vip" {}`, `load_balancer "node_local" {}`, `  endpoint   = "10.93.0.100:6443"`, "")
	c.by("cp-1", 0, "The control plane is up", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	join := c.ticket("cp-2", "w-1")
	c.by("w-1", 0, "is a node of the cluster", join)
	pristine := c.inventory("cp-2")
	known := func() bool {
		return strings.Contains(c.exec("w-1", "cat", "/etc/kubernetes/loadbalancer/haproxy.cfg"), "10.93.0.12:6443")
	}
	c.by("cp-2", 0, "is a control plane of the cluster", join+keyed)
	if !known() {
		t.Error("the worker's balancer does not know the control plane that joined")
	}
	c.asAdmin("cp-2", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
	c.by("cp-2", 0, "as it was found", "reset --yes --purge")
	if known() {
		t.Error("the worker's balancer still knows the control plane that left")
	}
	if now := c.inventory("cp-2"); now != pristine {
		t.Errorf("cp-2 is not as it was found:\n%s", diff(pristine, now))
	}
	c.by("w-1", 0, "as it was found", "reset --yes --purge")
	c.by("cp-1", 0, "as it was found", "reset --yes --purge")
}

// TestExternalByHand: control planes and workers join by a balancer that is the user's own.
func TestExternalByHand(t *testing.T) {
	c := newCluster(t, "cpext", "10.93.0", "cp-1=11", "cp-2=12", "lb-1=31")
	c.bring("cp-1", "cp-2")
	c.redraft(`load_balancer "vip" {}`, `load_balancer "external" {}`, "10.93.0.100:6443", "10.93.0.31:8443")
	c.by("cp-1", 1, "your load balancer does not lead to the cluster", "init -f /opt/node.hcl --bundle /opt/slipway.bundle --timeout 20s")
	c.exec("lb-1", "systemd-run", "-q", "-u", "balancer", "systemd-socket-activate", "-l", "8443", "/lib/systemd/systemd-socket-proxyd", "10.93.0.11:6443")
	c.by("cp-1", 0, "slipway join 10.93.0.31:8443", "init -f /opt/node.hcl --bundle /opt/slipway.bundle")
	join := c.ticket("cp-2")
	c.by("cp-2", 0, "is a control plane of the cluster", join+keyed)
	if n := c.voters("cp-2"); n != 2 {
		t.Errorf("there are %d voters, want 2", n)
	}
	c.asAdmin("cp-2", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
	c.by("cp-2", 0, "as it was found", "reset --yes --purge")
	if n := c.voters("cp-1"); n != 1 {
		t.Errorf("cp-2 has left, and there are %d voters, want 1", n)
	}
}

// redraft changes the file with which the cluster is begun.
func (c *cluster) redraft(oldnew ...string) {
	c.t.Helper()
	file := filepath.Join(c.labDir(), "machines", "cp-1", "root", "opt", "node.hcl")
	text, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.NewReplacer(oldnew...).Replace(string(text))), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
