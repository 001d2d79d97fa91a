//go:build linux

package lab

import (
	"fmt"
	"path/filepath"
)

// instance is a declared machine with the names of all that belongs to it on the host.
type instance struct {
	Machine
	lab   *Lab
	index int // from 1
}

func (l *Lab) instance(i int) instance {
	return instance{Machine: l.state.Machines[i], lab: l, index: i + 1}
}

func (m instance) dir() string     { return filepath.Join(m.lab.dir, "machines", m.Name) }
func (m instance) root() string    { return filepath.Join(m.dir(), "root") }
func (m instance) hostKey() string { return filepath.Join(m.dir(), "ssh_host_ed25519_key") }
func (m instance) console() string { return filepath.Join(m.dir(), "console.log") }

// switchedOn exists from power on to power off, and tells a reboot from a machine killed meanwhile.
func (m instance) switchedOn() string { return filepath.Join(m.dir(), "on") }

// netns is where the machine's network namespace is mounted: in the lab's own folder and not in
// /run/netns, which iproute2 bind-mounts over itself and so hides what was there before.
func (m instance) netns() string { return filepath.Join(m.dir(), "netns") }

// label is unique on the host, as nspawn wants machine names and systemd wants scopes.
func (m instance) label() string { return "lab-" + m.lab.state.Name + "-" + m.Name }
func (m instance) scope() string { return m.label() + ".scope" }

// veth is the bridge's end of the machine's cable; 15 characters are all an interface may have.
func (m instance) veth() string { return fmt.Sprintf("v-%s-%d", m.lab.state.Name, m.index) }

// natVeth is the host's end of the cable that a machine of a lab with NAT believes to lead outside.
func (m instance) natVeth() string { return fmt.Sprintf("n-%s-%d", m.lab.state.Name, m.index) }

func (l *Lab) bridge() string { return "lab-" + l.state.Name }

// disks are the folders that bypass the root's overlay, on which containerd could not lay its own.
func (m instance) disks() map[string]string {
	return map[string]string{
		filepath.Join(m.dir(), "disks", "containerd"): "/var/lib/containerd",
		filepath.Join(m.dir(), "disks", "kubelet"):    "/var/lib/kubelet",
		filepath.Join(m.dir(), "disks", "etcd"):       "/var/lib/etcd",
	}
}
