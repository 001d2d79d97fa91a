//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nspawnArgs is the command that is the machine.
func (m instance) nspawnArgs() []string {
	args := []string{
		"systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot",
		"--directory=" + m.root(), "--machine=" + m.label(), "--hostname=" + m.Name,
		"--network-namespace-path=" + m.netns(),
		"--capability=all", "--system-call-filter=@default @privileged bpf keyctl",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=read-only",
		"--bind=/dev/kmsg",
	}
	if _, err := os.Stat("/lib/modules"); err == nil {
		args = append(args, "--bind-ro=/lib/modules")
	}
	disks := m.disks()
	for _, dir := range sortedKeys(disks) {
		args = append(args, "--bind="+dir+":"+disks[dir])
	}
	return args
}

// launchArgs puts nspawn into the machine's cgroup. With cgroup v1 a shell enters its folders, which
// are handed as its arguments up to "--"; with v2 systemd makes a scope that it then leaves alone.
func (m instance) launchArgs() []string {
	if len(m.lab.state.Parents) == 0 {
		args := []string{"systemd-run", "--quiet", "--scope", "--collect", "--unit=" + m.scope(), "--property=Delegate=yes"}
		if m.Memory > 0 {
			args = append(args, "--property=MemoryMax="+strconv.FormatInt(m.Memory, 10))
		}
		return append(append(args, "--"), m.nspawnArgs()...)
	}
	return append(enterArgs(m.cgroups()), m.nspawnArgs()...)
}

// enterArgs is the beginning of a command that first moves itself into cgroups.
func enterArgs(cgroups []string) []string {
	const enter = `while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"`
	slices.Sort(cgroups)
	return append(append([]string{"/bin/sh", "-c", enter, "sh"}, cgroups...), "--")
}

// awaitArgs runs a command to its end and, when that was a reboot, the lab's restart command after
// it: nspawn ends with 133 instead of rebooting.
func (m instance) awaitArgs(command []string) []string {
	const await = `n=$1; shift; restart=; while [ "$n" -gt 0 ]; do restart="$restart '$1'"; shift; n=$((n-1)); done
"$@"
[ $? = 133 ] && eval "exec $restart"`
	restart := append(slices.Clone(m.lab.state.Restart), m.Name)
	args := append([]string{"/bin/sh", "-c", await, "sh", strconv.Itoa(len(restart))}, restart...)
	return append(args, command...)
}

// powerOn starts the machine and does not wait for it; a machine that is on is left as it is.
func (m instance) powerOn() error {
	if pids, err := m.keepers(); err != nil || len(pids) > 0 {
		return err
	}
	// What was left by a machine that ended by itself, or half way.
	if err := m.powerOff(); err != nil {
		return err
	}
	if err := m.mountRoot(); err != nil {
		return err
	}
	if err := m.plugIn(); err != nil {
		return err
	}
	if err := m.ensureCgroups(); err != nil {
		return fmt.Errorf("make cgroups of %s: %w", m.Name, err)
	}
	if err := m.launch(); err != nil {
		return fmt.Errorf("start %s: %w", m.Name, err)
	}
	return writeFile(m.switchedOn(), nil, 0o644)
}

func (m instance) launch() error {
	console, err := os.OpenFile(m.console(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer console.Close()
	argv := m.launchArgs()
	if len(m.lab.state.Restart) > 0 {
		argv = m.awaitArgs(argv)
	}
	path, err := lookTool(filepath.Base(argv[0]))
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path: path, Args: argv, Dir: "/", Env: []string{"PATH=" + searchPath},
		Stdout: console, Stderr: console,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true}, // outlives this process and its terminal
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // reaps it should it end before this process does
	return nil
}

// powerOff ends the machine at once, as a power loss does, and pulls its cable; idempotent.
func (m instance) powerOff() error {
	if err := os.Remove(m.switchedOn()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		pids, err := m.keepers() // first, so that no one inside sees the others go; and when not in the cgroup yet
		if err != nil {
			return err
		}
		inside, err := m.processes()
		if err != nil {
			return err
		}
		scope, err := m.scopeFolder()
		if err != nil {
			return err
		}
		pids = append(pids, inside...)
		if len(pids) == 0 && scope == "" {
			// No kernel survives a power loss, so neither do the cgroups that pods had: a kubelet that finds
			// them after the next start looks for each one's container for seconds.
			return errors.Join(m.removeCgroups(), m.unplug())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("power off %s: processes %v do not die", m.Name, pids)
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("power off %s: kill %d: %w", m.Name, pid, err)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
