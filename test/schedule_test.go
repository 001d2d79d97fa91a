//go:build torture

package test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
)

// TestSchedule lets a control plane back itself up every minute: archives appear, two are kept, and the last that was proven; they are proven there and here; status
// tells of them and of a turn that failed; and without the block the timers go and the archives stay.
func TestSchedule(t *testing.T) {
	c := newCluster(t, "sch", "10.65.0", "cp-1=11")
	identity, recipient := c.key("identity")
	const directory = "/var/backups/slipway"
	node := nodeBlock("cp-1", "control-plane", "11", "taints = []")
	block := "backup {\n  schedule = \"*-*-* *:*:00\"\n  verify = \"*-*-* *:*:30\"\n  retain = 2\n  recipients = [\"" + recipient + "\"]\n}\n"
	file := c.writeSingle(node + block)
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)

	archives := func() (list bootstrap.ArchiveList) {
		decode(t, c.must("etcd", "backups", "-f", file, "-o", "json"), &list)
		if len(list.Unread) > 0 {
			t.Errorf("%+v", list.Unread)
		}
		return list
	}
	var first string
	within(t, 4*time.Minute, "an archive", func() bool {
		list := archives()
		if len(list.Archives) > 0 {
			first = list.Archives[0].Path
		}
		return first != ""
	})
	within(t, 5*time.Minute, "the first archive to make room for others", func() bool {
		list := archives()
		for _, a := range list.Archives {
			if a.Path == first {
				return false
			}
		}
		return true
	})
	list := archives()
	if n := len(list.Archives); n < 2 || n > 3 { // the last that was proven stays beside the newest two
		t.Errorf("%d archives, want 2 or 3: %+v", n, list)
	}
	for _, a := range list.Archives {
		if !a.Whole || a.Error != "" || a.Node != "cp-1" || a.Manifest.Cluster.Name != c.name {
			t.Errorf("%+v", a)
		}
	}
	if modes := c.exec("cp-1", "sh", "-c", "stat -c %a "+directory+"/*.slipway /etc/slipway/backup.json "+directory); strings.Trim(modes, "670\n") != "" {
		t.Errorf("modes %q", modes)
	}

	// Proven by the machine, and by us.
	var s status.Status
	within(t, 4*time.Minute, "a proof", func() bool {
		decode(t, c.must("status", "-f", file, "-o", "json"), &s)
		return s.Backups != nil && s.Backups.Made != nil && s.Backups.Proven != nil
	})
	if p := s.Backups.Proven; !strings.Contains(p.Found, "every Secret") || len(p.Open) != 1 || !strings.Contains(p.Open[0], "sealed keys can be opened") {
		t.Errorf("what was proven: %+v", p)
	}
	t.Log(c.must("status", "-f", file))
	c.fetches(archives().Archives[0].Path, identity)

	c.failsOnce(file, directory)

	c.writeSingle(node)
	c.must("apply", "-f", file)
	c.want(0, "plan", "-f", file)
	if left := c.exec("cp-1", "sh", "-c", "ls /etc/systemd/system /etc/slipway 2>&1 | grep -e slipway-backup -e slipway-verify -e backup.json || true; systemctl list-timers --all --no-legend 'slipway-*'"); strings.TrimSpace(left) != "" {
		t.Errorf("left: %s", left)
	}
	if kept := c.exec("cp-1", "sh", "-c", "ls "+directory+" | wc -l"); strings.TrimSpace(kept) == "0" {
		t.Error("the archives went with the block")
	}
}

// within polls until it holds.
func within(t *testing.T, patience time.Duration, what string, holds func() bool) {
	t.Helper()
	eventually(t, patience, what, func() error {
		if !holds() {
			time.Sleep(3 * time.Second) // each look goes through SSH
			return errors.New("not yet")
		}
		return nil
	})
}

// fetches takes an archive off the machine and proves it here with its keys.
func (c *cluster) fetches(path, identity string) {
	c.t.Helper()
	here := filepath.Join(c.dir, "fetched.slipway")
	content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(c.exec("cp-1", "base64", "-w0", path)))
	if err == nil {
		err = os.WriteFile(here, content, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	said := c.must("etcd", "verify", here, "--identity", identity, "--bundle", c.bundle())
	if !strings.Contains(said, "Proven, in") {
		c.t.Errorf("not proven:\n%s", said)
	}
}

// failsOnce puts a file where the directory belongs: the turn fails, status says so, and the next one after it is mended makes up for it.
func (c *cluster) failsOnce(file, directory string) {
	c.t.Helper()
	c.exec("cp-1", "sh", "-c", "mv "+directory+" "+directory+".away && touch "+directory)
	within(c.t, 3*time.Minute, "a turn that fails", func() bool {
		var s status.Status
		decode(c.t, c.run("status", "-f", file, "-o", "json").stdout, &s)
		return s.Health == status.Degraded && s.Backups.MakeFailed != nil && s.Backups.MakeFailed.Error != ""
	})
	c.exec("cp-1", "sh", "-c", "rm "+directory+" && mv "+directory+".away "+directory+" && systemctl start slipway-backup.service")
	within(c.t, 3*time.Minute, "the next turn", func() bool {
		var s status.Status
		decode(c.t, c.run("status", "-f", file, "-o", "json").stdout, &s)
		return s.Backups.Made != nil && s.Backups.Made.Began.After(s.Backups.MakeFailed.Began)
	})
}
