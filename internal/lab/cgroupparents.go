//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// unified tells hosts with cgroup v2 alone, where systemd gives each machine a scope, from those
// with v1 controllers, where each machine gets a folder in every hierarchy.
func unified() bool {
	var fs unix.Statfs_t
	return unix.Statfs(cgroupRoot, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

// cgroupParents finds where in each hierarchy the lab's machines belong: below this process's own
// cgroup, whose limits they then share. It is nil with cgroup v2.
func cgroupParents(lab string) (map[string]string, error) {
	if unified() {
		if _, err := os.Stat("/run/systemd/system"); err != nil {
			return nil, errors.New("this host has cgroup v2 but is not run by systemd, so no one can delegate a cgroup to a machine")
		}
		return nil, nil
	}
	mounts, err := cgroupMounts()
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	parents := map[string]string{}
	for mount, path := range memberships(string(own), mounts) {
		parents[mount] = filepath.Join(mount, path, "slipway-lab-"+lab)
	}
	if len(parents) == 0 {
		return nil, fmt.Errorf("no cgroup hierarchies are mounted below %s: a machine's systemd needs them", cgroupRoot)
	}
	return parents, nil
}

// cgroupMounts are the mounted v1 and hybrid hierarchies: mount point to the name by which
// /proc/PID/cgroup knows it, which is "" for the unified one.
func cgroupMounts() (map[string]string, error) {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	mounts := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || filepath.Dir(fields[1]) != cgroupRoot {
			continue
		}
		switch fields[2] {
		case "cgroup2":
			mounts[fields[1]] = ""
		case "cgroup":
			mounts[fields[1]] = fields[3]
		}
	}
	return mounts, nil
}

// memberships reads a /proc/PID/cgroup: mount point to the process's path in that hierarchy.
func memberships(raw string, mounts map[string]string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(raw) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for mount, options := range mounts {
			v2 := parts[1] == "" && options == ""
			v1 := parts[1] != "" && strings.Contains(","+options+",", ","+parts[1]+",")
			if v1 || v2 {
				paths[mount] = parts[2]
			}
		}
	}
	return paths
}

// removeParents removes the lab's own folder in each v1 hierarchy.
func (l *Lab) removeParents() error {
	var faults []error
	for _, dir := range l.state.Parents {
		if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			faults = append(faults, fmt.Errorf("remove cgroup %s: %w", dir, err))
		}
	}
	return errors.Join(faults...)
}
