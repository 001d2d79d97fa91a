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
