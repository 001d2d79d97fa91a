//go:build linux

package lab

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMachinesLive(t *testing.T) {
	l := upTest(t, "live", "10.79.0.0/28")
	for _, kind := range []string{"mount ", "link v-live-2", "/machines/a/netns", "path /sys/fs/cgroup/", "process "} {
		if !strings.Contains(strings.Join(traces(t, "live", l.Dir()), "\n"), kind) {
			t.Errorf("a lab that is up shows no %q: the check for leftovers would miss it", kind)
		}
	}
	t.Run("check", func(t *testing.T) {
		for _, m := range l.Machines() {
			if err := l.Check(t.Context(), m.Name); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("identity", func(t *testing.T) { testIdentity(t, l) })
	t.Run("users", func(t *testing.T) { testUsers(t, l) })
	t.Run("network", func(t *testing.T) { testNetwork(t, l) })
	t.Run("cable", func(t *testing.T) { testCable(t, l) })
	t.Run("power loss", func(t *testing.T) { testPowerLoss(t, l) })
	t.Run("reboot", func(t *testing.T) { testReboot(t, l) })
	t.Run("up again", func(t *testing.T) { testUpAgain(t, l) })
	t.Run("exec", func(t *testing.T) { testExec(t, l) })
}

func inMachine(t *testing.T, l *Lab, name, script string) string {
	t.Helper()
	out, err := l.Exec(t.Context(), name, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func testIdentity(t *testing.T, l *Lab) {
	if got := inMachine(t, l, "b", "hostname"); got != "b" {
		t.Errorf("b calls itself %q", got)
	}
	a, b := inMachine(t, l, "a", "cat /etc/machine-id"), inMachine(t, l, "b", "cat /etc/machine-id")
	if a == b || len(a) != 32 {
		t.Errorf("machine ids %q and %q", a, b)
	}
	if got, want := inMachine(t, l, "a", "cat /etc/resolv.conf"), "nameserver 10.79.0.1"; got != want {
		t.Errorf("resolv.conf holds %q, want %q", got, want)
	}
	for _, file := range []string{l.PrivateKey(), l.SudoPassword()} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", file, info.Mode(), err)
		}
	}
}

func testExec(t *testing.T, l *Lab) {
	if _, err := l.Exec(t.Context(), "a", "sh", "-c", "echo why >&2; exit 7"); err == nil || !strings.Contains(err.Error(), "exit status 7: why") {
		t.Errorf("a failing command: %v", err)
	}
	if _, err := l.Exec(t.Context(), "c", "true"); err == nil || !strings.Contains(err.Error(), `no machine "c"`) {
		t.Errorf("a machine that is not there: %v", err)
	}
	if got := inMachine(t, l, "a", "pwd; cat /proc/self/cgroup"); !strings.HasPrefix(got, "/\n") || strings.Contains(got, "..") {
		t.Errorf("commands run outside of the machine's folder or cgroup:\n%s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := l.Exec(ctx, "a", "sleep", "1234"); err == nil {
		t.Error("a cancelled command went on")
	}
	if got := inMachine(t, l, "a", "ps -e -o args="); strings.Contains(got, "sleep 1234") {
		t.Error("a cancelled command outlived its caller")
	}
}
