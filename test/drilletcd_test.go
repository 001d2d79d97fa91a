//go:build torture

package test

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/drill"
)

// TestDrillEtcd breaks one cluster of three control planes in every way that there is a drill for, one after the other, and wants each to
// meet its goals and the cluster to be whole afterwards. DRILL_REPORTS names a folder to keep the pages in; -run 'TestDrillEtcd/leader-loss'
// is one of them alone.
func TestDrillEtcd(t *testing.T) {
	c := newCluster(t, "drills", "10.91.0", highlyAvailableMachines()...)
	for _, m := range []string{"cp-2", "cp-3"} { // one of the two follows
		c.smallDisk(m)
	}
	file := c.write(highlyAvailable() + "drill {\n  allow = [\"leader-loss\", \"node-loss\", \"disk-full\", \"quorum-loss\", \"etcd-restore\"]\n}\n")
	c.must("apply", "-f", file)
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
	pages := cmp.Or(os.Getenv("DRILL_REPORTS"), c.dir)

	for _, one := range []struct {
		name  string
		flags []string
		check func(*testing.T, *drill.Report)
	}{
		{"node-loss", []string{"--for", "60s"}, nodeLost},
		{"leader-loss", nil, leaderLost},
		{"disk-full", nil, diskFilled},
		{"quorum-loss", nil, quorumLost},
		{"etcd-restore", []string{"--for", "15s"}, etcdRestored},
	} {
		t.Run(one.name, func(t *testing.T) {
			c.t = t
			args := append([]string{one.name, "-f", file, "--report", filepath.Join(pages, one.name+".html")}, one.flags...)
			r := c.drill(-1, args...)
			for _, g := range r.Missed() {
				t.Errorf("missed: %s: %s, and the goal is %s", g.Name, g.Got, g.Want)
			}
			if r.Failure != "" || r.Recovery == nil {
				t.Fatalf("it did not go through: %s, %+v", r.Failure, r.Recovery)
			}
			if w := r.Writes; w.Unchecked != "" || len(w.Lost)+len(w.Stale)+len(w.Backwards) > 0 {
				t.Errorf("writes: %+v", w)
			}
			if r.Watch.Unchecked != "" || len(r.Watch.Missed) > 0 {
				t.Errorf("the watch: %+v", r.Watch)
			}
			one.check(t, r)
			c.stillWhole(file)
		})
		c.t = t
	}
}

// smallDisk gives the machine's etcd a disk of its own, a loop device of 640 MB. Machines have neither the devices nor a program that
// makes a file system.
func (c *cluster) smallDisk(machine string) {
	c.t.Helper()
	c.exec(machine, "truncate", "-s", "640M", "/var/etcd.img")
	image := filepath.Join(c.labDir(), "machines", machine, "root", "var", "etcd.img")
	if out, err := exec.Command("mkfs.ext4", "-q", "-m", "0", image).CombinedOutput(); err != nil {
		c.t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	c.exec(machine, "sh", "-ec", `mknod /dev/loop-control c 10 237
i=0; while [ $i -lt 8 ]; do mknod /dev/loop$i b 7 $i; i=$((i+1)); done
mkdir -p -m 0700 /var/lib/etcd; mount -o loop /var/etcd.img /var/lib/etcd; rmdir /var/lib/etcd/lost+found; chmod 0700 /var/lib/etcd`)
}

// leaderLost wants the leader to have been lost, at a hundred requests per second. It may lead again: its etcd is started anew within a second
// or two, which an election takes, too.
func leaderLost(t *testing.T, r *drill.Report) {
	if r.Rate != 100 || r.API.Requests < 500 || r.Recovery.Writes > 3 {
		t.Errorf("at %g requests per second, %d in all, writes again after %.1f s", r.Rate, r.API.Requests, r.Recovery.Writes)
	}
	leads, lost := r.Recovery.Nodes[0], false
	for _, change := range r.Changes {
		lost = lost || change.What == drill.Leader && change.At > r.Recovery.Broke && change.Is != leads
	}
	if !lost {
		t.Errorf("%s led all the time: %+v", leads, r.Changes)
	}
}

// nodeLost wants the endpoint's address to have been taken by another.
func nodeLost(t *testing.T, r *drill.Report) {
	lost, moved := r.Recovery.Nodes[0], false
	for _, change := range r.Changes {
		moved = moved || change.What == drill.Holder && change.At > r.Recovery.Broke && change.Is != "" && change.Is != lost
	}
	if !moved {
		t.Errorf("nobody but %s has had the address: %+v", lost, r.Changes)
	}
	if r.Recovery.Mended-r.Recovery.Broke < 59 {
		t.Errorf("%+v", r.Recovery)
	}
}

func diskFilled(t *testing.T, r *drill.Report) {
	if r.Recovery.Mended == 0 || r.API.Outage > 3 {
		t.Errorf("%+v, out for %.1f s", r.Recovery, r.API.Outage)
	}
}

func quorumLost(t *testing.T, r *drill.Report) {
	if len(r.Recovery.Nodes) != 2 || r.Loss == nil || r.Loss.Seconds > 1 || r.Loss.After-r.Loss.Before < 1000 || r.Watch.Relists == 0 {
		t.Errorf("%+v, %+v, %+v", r.Recovery, r.Loss, r.Watch)
	}
}

// etcdRestored wants what was written after the snapshot, and only that, to be gone.
func etcdRestored(t *testing.T, r *drill.Report) {
	if r.Loss == nil || r.Loss.Writes < 50 || r.Loss.Seconds < 10 || r.Loss.After-r.Loss.Before < 900_000_000 || r.Watch.Relists == 0 {
		t.Errorf("%+v, %+v", r.Loss, r.Watch)
	}
}

// stillWhole wants the cluster as the file says, with nothing of a drill in it.
func (c *cluster) stillWhole(file string) {
	c.t.Helper()
	c.becomesReady("cp-1", "cp-2", "cp-3", "w-1", "w-2")
	c.want(0, "plan", "-f", file)
	for _, m := range []string{"cp-1", "cp-2", "cp-3"} {
		eventually(c.t, time.Minute, "nothing of a drill to be on "+m, func() error {
			if out := c.exec(m, "sh", "-c", "ls -a /var/lib/etcd; systemctl list-timers --all"); strings.Contains(out, "slipway-drill") {
				return fmt.Errorf("left is:\n%s", out)
			}
			return nil
		})
		c.exec(m, "sh", "-c", "rm -rf /var/lib/etcd/removed-*") // the file system is small
	}
	if spaces := c.asAdmin("cp-1", "get", "namespaces", "-o", "name"); strings.Contains(spaces, "slipway-drill") {
		c.t.Errorf("the drill's namespace is still there:\n%s", spaces)
	}
}
