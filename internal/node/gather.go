//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/layout"
)

// Facts finds out what the machine is. It changes nothing and takes no lock; a machine that lacks
// something still has Facts, an error means that it could not be looked at.
func (m Machine) Facts(ctx context.Context, ask Ask) (Facts, error) {
	inv, err := m.readInventory()
	if err != nil {
		return Facts{}, err
	}
	f := Facts{
		Time: time.Now(), Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Cluster: inv.Cluster, Node: inv.Node,
		MachineID: m.line("/etc/machine-id"),
		BootID:    m.line("/proc/sys/kernel/random/boot_id"),
		OS:        m.osName(),
		Systemd:   m.systemdAnswers(ctx),
		Container: m.container(),
	}
	if f.Hostname, err = os.Hostname(); err != nil {
		return f, err
	}
	k, err := m.kernel()
	if err != nil {
		return f, err
	}
	f.Kernel, f.Modular = k.release, k.modular
	f.Missing = append(k.missing(), m.missingPrograms(k)...)
	if f.MemoryBytes, err = m.memory(); err != nil {
		return f, err
	}
	if f.CapResource, err = m.hasCapability(unix.CAP_SYS_RESOURCE); err != nil {
		return f, err
	}
	if f.Swap, err = m.swaps(); err != nil {
		return f, err
	}
	f.Cgroup = m.cgroupVersion()
	f.InitialNetNS = m.initialNetNS()
	if err := m.disks(&f); err != nil {
		return f, err
	}
	if ask.Sync && inv.Cluster == "" {
		if f.SyncTime, err = m.syncTime(); err != nil {
			return f, err
		}
	}
	m.resolver(&f)
	if err := gatherNetwork(&f, ask.Routes); err != nil {
		return f, err
	}
	if f.Ports, err = m.listeners(ask.Ports); err != nil {
		return f, err
	}
	if f.Running, err = m.running(ask.Programs); err != nil {
		return f, err
	}
	for _, s := range ask.Schedules {
		if _, err := output(ctx, nil, "systemd-analyze", "calendar", "--", s); err != nil {
			if f.Schedules == nil {
				f.Schedules = map[string]string{}
			}
			f.Schedules[s] = err.Error()
		}
	}
	for _, unit := range []string{"containerd.service", "kubelet.service"} {
		if names := m.overrides(unit); len(names) > 0 {
			if f.Overrides == nil {
				f.Overrides = map[string][]string{}
			}
			f.Overrides[unit] = names
		}
	}
	if inv.Cluster == "" {
		f.Leftovers = m.leftovers()
	}
	return f, nil
}

// line is the first line of a file, "" where it cannot be read.
func (m Machine) line(path string) string {
	b, _ := os.ReadFile(m.path(path))
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// field is what follows "name" in a file of lines such as "MemTotal:  1 kB" or "NAME=x".
func (m Machine) field(path, name string) string {
	b, _ := os.ReadFile(m.path(path))
	for _, line := range strings.Split(string(b), "\n") {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (m Machine) osName() string {
	name := m.field("/etc/os-release", "PRETTY_NAME=")
	if name == "" {
		name = m.field("/usr/lib/os-release", "PRETTY_NAME=")
	}
	return strings.Trim(name, `"'`)
}

// systemdAnswers is true also for a degraded systemd: some unit of the owner's has failed.
func (m Machine) systemdAnswers(ctx context.Context) bool {
	if m.line("/proc/1/comm") != "systemd" {
		return false
	}
	said, err := output(ctx, nil, "systemctl", "is-system-running")
	exit := new(exec.ExitError)
	return err == nil || errors.As(err, &exit) && strings.TrimSpace(said) != "offline" && strings.TrimSpace(said) != ""
}

// container is what systemd-detect-virt --container would say, "" outside of one.
func (m Machine) container() string {
	if name := m.line("/run/systemd/container"); name != "" {
		return name
	}
	environ, _ := os.ReadFile(m.path("/proc/1/environ"))
	for _, pair := range strings.Split(string(environ), "\x00") {
		if name, ok := strings.CutPrefix(pair, "container="); ok {
			return name
		}
	}
	return ""
}

func (m Machine) memory() (int64, error) {
	text := m.field("/proc/meminfo", "MemTotal:")
	kib, err := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("MemTotal of /proc/meminfo: %w", err)
	}
	return kib << 10, nil
}

// hasCapability looks into the bounding set, beyond which no service started here can go.
func (m Machine) hasCapability(c int) (bool, error) {
	set, err := strconv.ParseUint(m.field("/proc/self/status", "CapBnd:"), 16, 64)
	if err != nil {
		return false, fmt.Errorf("CapBnd of /proc/self/status: %w", err)
	}
	return set&(1<<c) != 0, nil
}

func (m Machine) cgroupVersion() int {
	var st unix.Statfs_t
	if unix.Statfs(m.path("/sys/fs/cgroup"), &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
		return 2
	}
	return 1
}

// initialNetNS tells the machine's first network namespace by what can be set only there.
func (m Machine) initialNetNS() bool {
	f, err := os.OpenFile(m.path("/proc/sys/net/netfilter/nf_conntrack_max"), os.O_WRONLY, 0)
	if err == nil {
		_ = f.Close()
		return true
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	// Not loaded yet. This one is in every kernel, and in the first namespace only.
	_, err = os.Stat(m.path("/proc/sys/net/core/netdev_max_backlog"))
	return err == nil
}

// disks measures where a cluster's data goes: where that does not exist yet, what will hold it.
func (m Machine) disks(f *Facts) error {
	f.DiskFree, f.DiskTotal, f.FileSystem = map[string]int64{}, map[string]int64{}, map[string]uint64{}
	for _, path := range []string{"/", layout.Containerd, layout.Etcd, layout.Kubelet} {
		there := path
		var st unix.Statfs_t
		err := unix.Statfs(m.path(there), &st)
		for errors.Is(err, fs.ErrNotExist) && there != "/" {
			there = filepath.Dir(there)
			err = unix.Statfs(m.path(there), &st)
		}
		if err != nil {
			return fmt.Errorf("measure %s: %w", there, err)
		}
		var on unix.Stat_t
		if err := unix.Stat(m.path(there), &on); err != nil {
			return fmt.Errorf("look at %s: %w", there, err)
		}
		f.DiskFree[path], f.DiskTotal[path] = int64(st.Bavail)*st.Bsize, int64(st.Blocks)*st.Bsize
		f.FileSystem[path] = on.Dev
	}
	return nil
}
