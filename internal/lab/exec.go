//go:build linux

package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Command prepares a program to run in the machine called name as root, in "/", with nothing of the
// caller's environment. It needs no network: it works on a machine that is cut off. The caller sets
// the streams and runs it.
func (l *Lab) Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	if err := requireRoot(); err != nil {
		return nil, err
	}
	m, err := l.machine(name)
	if err != nil {
		return nil, err
	}
	return m.command(ctx, args...)
}

// Exec runs a program in the machine called name, as Command does, and returns its standard output.
// The error of one that fails quotes the end of its standard error.
func (l *Lab) Exec(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd, err := l.Command(ctx, name, args...)
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %s: %w: %s", name, strings.Join(args, " "), err, tail(stderr.Bytes(), 1024))
	}
	return out, err
}

// command enters the namespaces and cgroups of the machine's init.
func (m instance) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("run in %s: no command", m.Name)
	}
	if err := requireTools(toolNsenter); err != nil {
		return nil, err
	}
	leader, err := m.leader()
	if err != nil {
		return nil, err
	}
	if leader == 0 {
		return nil, fmt.Errorf("run in %s: the machine is off", m.Name)
	}
	cgroups, err := m.cgroupsOf(leader)
	if err != nil {
		return nil, err
	}
	argv := append(enterArgs(cgroups),
		"nsenter", "--target="+strconv.Itoa(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
		"--root", "--wd", "--") // the working directory of init, which is /
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], args...)...)
	cmd.Env = []string{"PATH=" + searchPath, "HOME=/root", "USER=root", "LANG=C.UTF-8"}
	if term, set := os.LookupEnv("TERM"); set {
		cmd.Env = append(cmd.Env, "TERM="+term)
	}
	cmd.Cancel = func() error { return killLeaves(cmd.Process.Pid) }
	cmd.WaitDelay = 5 * time.Second // for what the program left in the background with our pipes
	return cmd, nil
}

// cgroupsOf are the folders of the cgroups that a process of the machine is in.
func (m instance) cgroupsOf(pid int) ([]string, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, err
	}
	if len(m.lab.state.Parents) == 0 {
		_, path, _ := strings.Cut(strings.TrimSpace(string(raw)), "::")
		return []string{filepath.Join(cgroupRoot, path)}, nil
	}
	mounts, err := cgroupMounts()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for mount, path := range memberships(string(raw), mounts) {
		dirs = append(dirs, filepath.Join(mount, path))
	}
	return dirs, nil
}
