//go:build torture

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRecoverByHand loses two of three control planes of a cluster that people made by hand: the third makes a cluster of what it has,
// once it is told that the others are dead and finds nothing that speaks against it; and one of them comes back and joins anew.
func TestRecoverByHand(t *testing.T) {
	c := newCluster(t, "handrec", "10.94.0", "cp-1=11", "cp-2=12", "cp-3=13", "w-1=21")
	planes := []string{"cp-1", "cp-2", "cp-3"}
	c.bring("cp-1", "cp-2", "cp-3", "w-1")
	c.beganByHand(planes)
	const recover = "etcd recover --yes --gone cp-2,cp-3"
	c.by("cp-1", 1, "etcd has its quorum", recover)
	before := c.asAdmin("cp-1", "get", "namespaces", "-o", "name")
	time.Sleep(2 * time.Second) // the last write has reached all
	c.lab("kill", "cp-2", "cp-3")
	if out := c.said("cp-1", "status"); !strings.Contains(out, "etcd has no quorum") || !strings.Contains(out, "slipway etcd recover --gone cp-2,cp-3") || strings.Contains(out, "slipway apply") {
		t.Errorf("status does not say what to do:\n%s", out)
	}
	c.by("cp-1", 1, "cannot be told from here", "etcd recover --yes --gone cp-2")
	c.by("cp-1", 1, "which is no other member", "etcd recover --yes --gone cp-2,cp-3,cp-9")
	c.by("cp-1", 3, "nothing was changed", "etcd recover --gone cp-2,cp-3")

	c.killedAfter("cp-1", 35*time.Second, recover)
	if out := c.said("cp-1", "status"); c.halfHere("cp-1") && !strings.Contains(out, "stands half way") {
		t.Errorf("status does not say so:\n%s", out)
	}
	if out := c.said("cp-1", recover); !strings.Contains(out, "slipway etcd remove cp-2") && !strings.Contains(out, "etcd has its quorum") {
		t.Fatalf("recover:\n%s", out)
	}
	if n := c.voters("cp-1"); n != 1 {
		t.Errorf("%d voters, want 1", n)
	}
	if now := c.asAdmin("cp-1", "get", "namespaces", "-o", "name"); now != before {
		t.Errorf("namespaces were\n%s\nand are\n%s", before, now)
	}
	c.answers("w-1", time.Minute)

	c.by("cp-1", 0, "", "etcd remove cp-2 --yes")
	c.by("cp-1", 0, "", "etcd remove cp-3 --yes")
	c.lab("start", "cp-2") // with its old disk, and a member that is told that it was removed
	c.by("cp-2", 0, "", "reset --yes --purge")
	c.by("cp-2", 0, "is a control plane of the cluster", c.ticket("cp-2")+keyed)
	if n := c.voters("cp-1"); n != 2 {
		t.Errorf("%d voters, want 2", n)
	}
	eventually(t, 2*time.Minute, "all healthy", func() error {
		if out := c.said("cp-1", "status"); !strings.HasSuffix(out, "exit 0\n") {
			return fmt.Errorf("%s", out)
		}
		return nil
	})
}

// halfHere is whether the machine keeps a recovery that stands half way.
func (c *cluster) halfHere(machine string) bool {
	c.t.Helper()
	return strings.Contains(c.exec(machine, "sh", "-c", "ls /var/lib/slipway/cluster/state"), "recovery.json")
}
