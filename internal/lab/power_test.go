//go:build linux

package lab

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func testPowerLoss(t *testing.T, l *Lab) {
	const keep = "echo kept | tee /etc/kept /var/lib/etcd/kept >/dev/null; sync; "
	inMachine(t, l, "a", keep+"ip link add left type bridge; ip address add 10.79.0.9/28 dev eth0; setsid sleep 1000 >/dev/null 2>&1 &")
	key := inMachine(t, l, "a", "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_ed25519_key /etc/machine-id 2>/dev/null | sha256sum")
	if err := l.Kill("a"); err != nil {
		t.Fatal(err)
	}
	if pids, err := l.instance(0).processes(); err != nil || len(pids) > 0 {
		t.Errorf("a is off, but runs %v, %v", pids, err)
	}
	if all, err := l.List(); err != nil || all[0].On || !all[1].On {
		t.Errorf("list: %+v, %v; want a off and b on", all, err)
	}
	if err := l.Kill("a"); err != nil {
		t.Errorf("second kill: %v", err)
	}
	if err := l.Start(t.Context(), testSink(t), "a"); err != nil {
		t.Fatal(err)
	}
	if got := inMachine(t, l, "a", "cat /etc/kept /var/lib/etcd/kept"); got != "kept\nkept" {
		t.Errorf("after power loss the disks hold %q", got)
	}
	if got := inMachine(t, l, "a", "cat /etc/ssh/ssh_host_ed25519_key.pub /etc/ssh/ssh_host_ed25519_key /etc/machine-id 2>/dev/null | sha256sum"); got != key {
		t.Error("power loss changed the machine's identity")
	}
	if got := inMachine(t, l, "a", "ip -brief link; ip -brief address"); strings.Contains(got, "left") || strings.Contains(got, "10.79.0.9") {
		t.Errorf("network state outlived power loss:\n%s", got)
	}
	if err := l.Check(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func testReboot(t *testing.T, l *Lab) {
	former, err := l.instance(1).leader()
	if err != nil {
		t.Fatal(err)
	}
	inMachine(t, l, "b", "systemctl reboot")
	eventually(t, "b comes back from a reboot", func() bool {
		pid, err := l.instance(1).leader()
		return err == nil && pid != 0 && pid != former && l.instance(1).sshAnswers(t.Context()) == nil
	})
	if err := l.Start(t.Context(), testSink(t), "b"); err != nil { // waits for the boot's end
		t.Fatal(err)
	}
	if err := l.Check(t.Context(), "b"); err != nil {
		t.Error(err)
	}
}

func testUpAgain(t *testing.T, l *Lab) {
	if err := l.Kill("b"); err != nil {
		t.Fatal(err)
	}
	before, err := l.instance(0).leader()
	if err != nil {
		t.Fatal(err)
	}
	again := testConfig("live", l.Dir(), "10.79.0.0/28")
	if _, err := Up(t.Context(), again, testSink(t)); err != nil {
		t.Fatal(err)
	}
	all, err := l.List()
	if err != nil || all[0].PID != before || !all[1].On {
		t.Errorf("list: %+v, %v; want a left alone as %d and b started", all, err, before)
	}
	again.Nodes[1].Address = again.Nodes[1].Address.Next()
	if _, err := Up(t.Context(), again, testSink(t)); err == nil || !strings.Contains(err.Error(), "machine b exists with 10.79.0.3") {
		t.Errorf("up with another address for b: %v", err)
	}
	if _, err := Up(t.Context(), testConfig("other", filepath.Join(t.TempDir(), "lab"), "10.79.0.0/28"), testSink(t)); err == nil || !strings.Contains(err.Error(), "overlaps") {
		t.Errorf("a second lab on the same subnet: %v", err)
	}
	if _, err := Up(t.Context(), testConfig("live", filepath.Join(t.TempDir(), "lab"), "10.79.1.0/28"), testSink(t)); err == nil || !strings.Contains(err.Error(), "belongs to the lab in "+l.Dir()) {
		t.Errorf("a second lab of the same name: %v", err)
	}
}

// An Up that is killed at any moment leaves what Remove can remove.
func TestRemoveAfterKilledUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("makes machines, which needs root")
	}
	for _, after := range []time.Duration{5, 20, 60, 120, 200, 300, 450, 700, 1200} {
		dir := filepath.Join(t.TempDir(), "lab")
		cmd := exec.Command(os.Args[0], "lab-up", "killed", dir, "10.79.2.0/28")
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		if err := cmd.Wait(); err != nil && said.Len() > 0 {
			t.Errorf("up failed by itself: %v: %s", err, said.String())
		}
		t.Logf("killed after %d ms, with %d traces", after, len(traces(t, "killed", dir)))
		if err := Remove(dir); err != nil {
			t.Errorf("killed after %d ms: %v", after, err)
		}
		if left := traces(t, "killed", dir); len(left) > 0 {
			t.Errorf("killed after %d ms: left behind %q", after, left)
		}
	}
}
