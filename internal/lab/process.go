//go:build linux

package lab

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// nspawn is the process id of the machine's nspawn, or of what is about to become it; 0 when off.
// It is found by its root, which is an argument of its own, so that no stored id can go stale.
func (m instance) nspawn() (int, error) {
	want := "--directory=" + m.root()
	return findProcess(func(pid int) bool {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || !strings.Contains(string(raw), "systemd-nspawn\x00") {
			return false
		}
		for arg := range strings.SplitSeq(string(raw), "\x00") {
			if arg == want { // nspawn's child looks the same until it becomes init, but has an id of its own in there
				return strings.Contains(statusOf(pid), fmt.Sprintf("\nNSpid:\t%d\n", pid))
			}
		}
		return false
	})
}

// leader is the process id, on the host, of the machine's init; 0 when there is none (yet).
func (m instance) leader() (int, error) {
	nspawn, err := m.nspawn()
	if err != nil || nspawn == 0 {
		return 0, err
	}
	parent := fmt.Sprintf("\nPPid:\t%d\n", nspawn)
	return findProcess(func(pid int) bool {
		status := statusOf(pid)
		return strings.Contains(status, parent) && strings.Contains(status, fmt.Sprintf("\nNSpid:\t%d\t1\n", pid))
	})
}

func statusOf(pid int) string {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // empty for a process that is gone
	return string(raw)
}

func findProcess(is func(pid int) bool) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && is(pid) {
			return pid, nil
		}
	}
	return 0, nil
}
