//go:build linux

package node

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/layout"
)

// TestKill ends pods' programs of that name, and nobody else's.
func TestKill(t *testing.T) {
	m := newMachine(t)
	if _, err := m.Kill(Kill{Programs: []string{"etcd"}}); err == nil {
		t.Error("nothing ran, and was killed")
	}
	m.pod(t, "etcd")
	m.pod(t, "haproxy")
	if k, err := m.Kill(Kill{Programs: []string{"etcd"}}); err != nil || k.Processes != 1 {
		t.Fatalf("%+v, %v", k, err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left, err := m.programs([]string{"etcd", "haproxy"})
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%v are left, %v", left, err)
		}
		if len(left) == 1 {
			return
		}
	}
}

// TestFill fills a small file system to the last byte, and gives all of it back.
func TestFill(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, for a file system")
	}
	m := newMachine(t)
	place := m.path(layout.Etcd)
	if err := os.MkdirAll(place, 0o700); err != nil {
		t.Fatal(err)
	}
	if d, err := m.Disk(); err != nil || d.Own {
		t.Fatalf("a folder is no file system of its own: %+v, %v", d, err)
	}
	if err := unix.Mount("tmpfs", place, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(place, unix.MNT_DETACH) })
	before, err := m.Disk()
	if err != nil || !before.Own || before.Size != 16<<20 {
		t.Fatalf("%+v, %v", before, err)
	}
	said := systemd(t)
	if err := m.Fill(t.Context(), Fill{For: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if timer := "--on-active=60 rm -f " + m.path(Ballast) + " " + m.path(bootEmptier); !strings.Contains(said(), timer) {
		t.Errorf("armed: %s", said())
	}
	if err := os.WriteFile(filepath.Join(place, "more"), make([]byte, 4096), 0o600); err == nil {
		t.Error("there is room left")
	}
	if err := m.Empty(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(m.path(bootEmptier)); !os.IsNotExist(err) {
		t.Errorf("what empties it at boot is left: %v", err)
	}
	if after, err := m.Disk(); err != nil || after.Free < before.Free-4096 {
		t.Errorf("%+v, and before %+v, %v", after, before, err)
	}
}

// systemd stands in for systemd-run and systemctl, and tells what they were told.
func systemd(t *testing.T) (said func() string) {
	dir := t.TempDir()
	log := filepath.Join(dir, "said")
	for _, name := range []string{"systemd-run", "systemctl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho \"$0 $*\" >>"+log+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() string { b, _ := os.ReadFile(log); return string(b) }
}

// TestFillOverReboot: a restart takes the timer, so the boot itself empties the disk, once, and only the boot.
func TestFillOverReboot(t *testing.T) {
	tmpfiles, err := exec.LookPath("systemd-tmpfiles")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs systemd-tmpfiles, and root for it")
	}
	systemd(t)
	m := newMachine(t)
	boot := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(tmpfiles, append(args, "--remove", "--root="+m.Root)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	is := func(there bool) {
		t.Helper()
		for _, path := range []string{Ballast, bootEmptier} {
			if _, err := os.Lstat(m.path(path)); (err == nil) != there {
				t.Errorf("%s: %v, want it there: %v", path, err, there)
			}
		}
	}
	m.mustWrite(t, Ballast, "heavy")
	m.mustWrite(t, layout.Etcd+"/member/wal", "data")
	if err := m.emptyLater(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	boot()
	is(true)
	boot("--boot", "--create")
	is(false)
	if got := m.mustRead(t, layout.Etcd+"/member/wal"); got != "data" {
		t.Errorf("etcd has %q", got)
	}
}

// TestCleanEmpties: a machine that leaves its cluster while it is filled keeps nothing of the drill.
func TestCleanEmpties(t *testing.T) {
	apart(t)
	said := systemd(t)
	m := newMachine(t)
	if err := os.MkdirAll(m.path("/sys"), 0o700); err != nil {
		t.Fatal(err)
	}
	converge(t, m, state(dir("/var/lib/etcd")))
	m.mustWrite(t, Ballast, "heavy")
	if err := m.emptyLater(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := m.Clean(t.Context(), Cleaning{Cluster: "one"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{Ballast, bootEmptier} {
		if _, err := os.Lstat(m.path(path)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if !strings.Contains(said(), "systemctl stop "+fillTimer) {
		t.Errorf("the timer runs on: %s", said())
	}
}

// TestSever: the rules are there once however often, the kernel forgets by itself what they drop, and nothing is left of them.
func TestSever(t *testing.T) {
	apart(t)
	m := newMachine(t)
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	c.AddTable(&nftables.Table{Name: "mine", Family: nftables.TableFamilyINet})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	s := Sever{Peer: netip.MustParseAddr("10.0.0.1"), Port: 22, Address: netip.MustParseAddr("10.0.0.100"), For: 700 * time.Millisecond}
	for range 2 {
		if err := m.Sever(s); err != nil {
			t.Fatal(err)
		}
	}
	severed := func() (elements, rules int) {
		tables, err := c.ListTables()
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if table.Name != severTable {
				continue
			}
			set, err := c.GetSetByName(table, "severed")
			if err != nil {
				t.Fatal(err)
			}
			all, err := c.GetSetElements(set)
			if err != nil {
				t.Fatal(err)
			}
			elements += len(all)
			for _, name := range []string{"in", "out"} {
				has, err := c.GetRules(table, &nftables.Chain{Name: name})
				if err != nil {
					t.Fatal(err)
				}
				rules += len(has)
			}
		}
		return elements, rules
	}
	if elements, rules := severed(); elements != 3 || rules != 10 {
		t.Errorf("%d elements, %d rules", elements, rules)
	}
	time.Sleep(1200 * time.Millisecond)
	if elements, rules := severed(); elements != 0 || rules != 10 {
		t.Errorf("when its time was up: %d elements, %d rules", elements, rules)
	}
	for range 2 {
		if err := m.Join(); err != nil {
			t.Fatal(err)
		}
	}
	tables, err := c.ListTables()
	if err != nil || len(tables) != 1 || tables[0].Name != "mine" {
		t.Errorf("left are %+v, %v", tables, err)
	}
}

func TestSeverNeedsAWayBack(t *testing.T) {
	if err := (Machine{}).Sever(Sever{For: time.Second}); err == nil {
		t.Error("a machine was cut off for everybody")
	}
}
