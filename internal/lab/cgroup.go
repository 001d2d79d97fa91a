//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

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

// cgroups are the machine's own folders in the v1 hierarchies.
func (m instance) cgroups() []string {
	var own []string
	for _, parent := range m.lab.state.Parents {
		own = append(own, filepath.Join(parent, m.Name))
	}
	return own
}

// ensureCgroups makes the machine's v1 folders; idempotent.
func (m instance) ensureCgroups() error {
	for mount, parent := range m.lab.state.Parents {
		own := filepath.Join(parent, m.Name)
		if err := os.MkdirAll(own, 0o755); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(own, "cpuset.cpus")); err == nil {
			if err := fillCpuset(mount, own); err != nil {
				return err
			}
		}
		limit := filepath.Join(own, "memory.limit_in_bytes")
		if _, err := os.Stat(limit); err == nil && m.Memory > 0 {
			if err := os.WriteFile(limit, []byte(strconv.FormatInt(m.Memory, 10)), 0o644); err != nil {
				return fmt.Errorf("limit memory of %s: %w", m.Name, err)
			}
		}
	}
	return nil
}

// fillCpuset copies cpus and mems from parent to child, from the hierarchy's root down to dir: new
// v1 cpusets are empty, and an empty one takes no process.
func fillCpuset(root, dir string) error {
	if dir == root {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := fillCpuset(root, parent); err != nil {
		return err
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		have, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return err
		}
		if strings.TrimSpace(string(have)) != "" {
			continue
		}
		from, err := os.ReadFile(filepath.Join(parent, file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), from, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// folders are all cgroups of the machine that exist, in every hierarchy, parents first.
func (m instance) folders() ([]string, error) {
	roots := m.cgroups()
	if len(roots) == 0 {
		dir, err := m.scopeFolder()
		if err != nil || dir == "" {
			return nil, err
		}
		roots = []string{dir}
	}
	var all []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // went away while we looked
			}
			if err == nil && d.IsDir() {
				all = append(all, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// processes are the ids of all that runs in the machine, nspawn included.
func (m instance) processes() ([]int, error) {
	folders, err := m.folders()
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	var pids []int
	for _, dir := range folders {
		raw, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EOPNOTSUPP) {
			continue // removed meanwhile, or a threaded cgroup, whose parent lists its processes
		}
		if err != nil {
			return nil, err
		}
		for field := range strings.FieldsSeq(string(raw)) {
			pid, err := strconv.Atoi(field)
			if err == nil && pid > 0 && !seen[pid] {
				seen[pid] = true
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}

// removeCgroups removes the machine's v1 folders, the deepest first. The kernel keeps a cgroup busy
// for a moment after its last process.
func (m instance) removeCgroups() error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		folders, err := m.folders()
		if err != nil || len(m.cgroups()) == 0 || len(folders) == 0 {
			return err
		}
		var last error
		for i := len(folders) - 1; i >= 0; i-- {
			if err := unix.Rmdir(folders[i]); err != nil && !errors.Is(err, unix.ENOENT) {
				last = fmt.Errorf("remove cgroup %s: %w", folders[i], err)
			}
		}
		if last == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return last
		}
		time.Sleep(20 * time.Millisecond)
	}
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
