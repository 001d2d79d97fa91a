//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// keepers are the host's processes that keep the machine on: its nspawn, and what starts and awaits
// it. They are found by the machine's root, which is an argument of its own in each of them, so that
// no stored process id can go stale. None: the machine is off.
func (m instance) keepers() ([]int, error) {
	want := "--directory=" + m.root()
	return findProcesses(func(pid int) bool {
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
	keepers, err := m.keepers()
	if err != nil || len(keepers) == 0 {
		return 0, err
	}
	found, err := findProcesses(func(pid int) bool {
		status := statusOf(pid)
		if !strings.Contains(status, fmt.Sprintf("\nNSpid:\t%d\t1\n", pid)) {
			return false
		}
		return slices.ContainsFunc(keepers, func(keeper int) bool {
			return strings.Contains(status, fmt.Sprintf("\nPPid:\t%d\n", keeper))
		})
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}

func statusOf(pid int) string {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // empty for a process that is gone
	return string(raw)
}

func findProcesses(is func(pid int) bool) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && is(pid) {
			found = append(found, pid)
		}
	}
	return found, nil
}

// killLeaves kills the descendants of a process that have none themselves, or the process when it has
// none. Those between, such as nsenter, end by themselves, having awaited what they started: else a
// dead program of the machine would wait for the host's init to collect it, and the machine for it.
func killLeaves(pid int) error {
	children, err := findProcesses(func(child int) bool {
		return strings.Contains(statusOf(child), fmt.Sprintf("\nPPid:\t%d\n", pid))
	})
	if err != nil {
		return err
	}
	if len(children) == 0 {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	var faults []error
	for _, child := range children {
		faults = append(faults, killLeaves(child))
	}
	return errors.Join(faults...)
}
