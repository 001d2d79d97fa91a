//go:build linux

package node

import (
	"os"
	"os/exec"
	"slices"
	"strings"
)

// missing lists the kernel features that are neither there nor loadable.
func (k kernel) missing() []string {
	var out []string
	for _, name := range features {
		if !k.has(name) && !k.loadable(name) {
			out = append(out, name)
		}
	}
	for _, name := range onDemand {
		if k.lists() && !k.has(name) && !k.loadable(name) {
			out = append(out, name)
		}
	}
	for _, name := range []string{"cpu", "cpuset", "memory", "pids"} {
		if !slices.Contains(k.controllers(), name) {
			out = append(out, "cgroup controller "+name)
		}
	}
	return out
}

// controllers lists the cgroup controllers that are enabled.
func (k kernel) controllers() []string {
	if b, err := os.ReadFile(k.m.path("/sys/fs/cgroup/cgroup.controllers")); err == nil {
		return strings.Fields(string(b))
	}
	var out []string
	b, _ := os.ReadFile(k.m.path("/proc/cgroups")) // name, hierarchy, number of groups, enabled
	for _, line := range strings.Split(string(b), "\n") {
		if fields := strings.Fields(line); len(fields) == 4 && fields[3] == "1" {
			out = append(out, fields[0])
		}
	}
	return out
}

// missingPrograms lists what containerd and the kubelet call and Slipway does not bring.
func (m Machine) missingPrograms(k kernel) []string {
	programs := []string{"systemctl", "journalctl", "mount", "umount", "swapoff"}
	if k.modular {
		programs = append(programs, "modprobe")
	}
	return slices.DeleteFunc(programs, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}
