//go:build linux

package node

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// podPatience is how long pods have to end by themselves: keepalived gives up its address, etcd
// writes what it has.
const podPatience = 5 * time.Second

// podCgroups are the roots of the cgroups of pods, for both cgroup versions and both drivers.
func (m Machine) podCgroups() []string {
	var out []string
	for _, pattern := range []string{"/sys/fs/cgroup/kubepods*", "/sys/fs/cgroup/*/kubepods*"} {
		found, err := filepath.Glob(m.path(pattern))
		if err == nil {
			out = append(out, found...)
		}
	}
	return out
}

// killPods ends what runs in pods, then containerd's shims, which watch over it.
func (m Machine) killPods(ctx context.Context) error {
	signal := syscall.SIGTERM
	deadline := time.Now().Add(podPatience)
	for sent := false; ; {
		pids, err := m.podProcesses()
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			break
		}
		if !sent || signal == syscall.SIGKILL {
			for _, pid := range pids {
				if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
					return err
				}
			}
			sent = true
		}
		if time.Now().After(deadline) {
			if signal == syscall.SIGKILL {
				return errors.New("processes of pods do not end: restart the machine and run this again")
			}
			signal, deadline = syscall.SIGKILL, time.Now().Add(podPatience)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return m.killShims()
}

// podProcesses lists the processes in pods' cgroups, without the dead that nobody has waited for yet.
func (m Machine) podProcesses() ([]int, error) {
	var pids []int
	for _, root := range m.podCgroups() {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.Name() != "cgroup.procs" {
				return ignore(fs.ErrNotExist, err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return ignore(unix.ENODEV, ignore(unix.EOPNOTSUPP, ignore(fs.ErrNotExist, err)))
			}
			for _, field := range strings.Fields(string(b)) {
				pid, err := strconv.Atoi(field)
				if err != nil {
					return err
				}
				if pid > 0 && m.alive(pid) { // 0 is a process outside of this pid namespace
					pids = append(pids, pid)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

func (m Machine) alive(pid int) bool {
	state := m.field("/proc/"+strconv.Itoa(pid)+"/status", "State:")
	return state != "" && !strings.HasPrefix(state, "Z")
}

// killShims ends the shims of the kubelet's namespace, of which no other tool has any.
func (m Machine) killShims() error {
	procs, err := filepath.Glob(m.path("/proc/[0-9]*/cmdline"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range procs {
		b, err := os.ReadFile(path)
		argv := strings.Split(string(b), "\x00")
		if err != nil || filepath.Base(argv[0]) != "containerd-shim-runc-v2" || !slices.Contains(argv, containerdNamespace) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil {
			err = ignore(unix.ESRCH, syscall.Kill(pid, syscall.SIGKILL))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeCgroups removes the pods' cgroups, deepest first. The dead stay in them for a moment.
func (m Machine) removeCgroups(ctx context.Context) error {
	for _, root := range m.podCgroups() {
		if filepath.Base(root) == "kubepods.slice" { // systemd's own, with the systemd driver
			if _, err := output(ctx, nil, "systemctl", "stop", "kubepods.slice"); err != nil {
				return err
			}
		}
	}
	for try := 0; ; try++ {
		var errs []error
		for _, root := range m.podCgroups() {
			var dirs []string
			err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
				if err == nil && e.IsDir() {
					dirs = append(dirs, path)
				}
				return ignore(fs.ErrNotExist, err)
			})
			errs = append(errs, err)
			for _, dir := range slices.Backward(dirs) {
				errs = append(errs, ignore(fs.ErrNotExist, unix.Rmdir(dir)))
			}
		}
		if err := errors.Join(errs...); err == nil || try == 40 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
