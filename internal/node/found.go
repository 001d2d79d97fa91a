//go:build linux

package node

import (
	"io/fs"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
)

// found is how the machine was before its first converge, for Clean.
type found struct {
	Places  map[string]string `json:"places"`            // what was at each of places
	Sysctls map[string]string `json:"sysctls,omitempty"` // values of wandering
	Links   []string          `json:"links,omitempty"`   // network interfaces
}

const (
	absent = "absent"
	void   = "empty"
	used   = "used"
)

// places are what a running cluster fills on its own, beyond the resources of a State.
var places = [...]string{
	"/etc/kubernetes",
	"/etc/cni",
	"/opt/cni",
	"/opt/containerd",
	"/var/lib/cni",
	"/var/lib/kubelet",
	"/var/lib/containerd",
	"/var/lib/etcd",
	"/var/log/pods",
	"/var/log/containers",
	"/var/log/kubernetes",
	"/run/containerd",
	"/run/flannel",
	"/run/netns",
	"/run/xtables.lock",
	"/usr/libexec/kubernetes",
}

// wandering are kernel parameters that the kubelet, kube-proxy and network plugins set by themselves.
var wandering = [...]string{
	"kernel.keys.root_maxbytes", "kernel.keys.root_maxkeys", "kernel.panic", "kernel.panic_on_oops",
	"vm.overcommit_memory", "vm.panic_on_oom",
	"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding",
	"net.ipv4.conf.all.route_localnet", "net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.arp_announce",
	"net.ipv4.vs.conntrack", "net.ipv4.vs.conn_reuse_mode", "net.ipv4.vs.expire_nodest_conn", "net.ipv4.vs.expire_quiescent_template",
	"net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables",
	"net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_tcp_be_liberal",
	"net.netfilter.nf_conntrack_tcp_timeout_established", "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
}

// look notes how the machine is. What cannot be read is left out: it cannot be set either.
func (m Machine) look() *found {
	f := &found{Places: map[string]string{}, Sysctls: map[string]string{}}
	for _, place := range places {
		f.Places[place] = m.placeState(place)
	}
	p := &pass{Machine: m}
	for _, key := range wandering {
		if value, err := p.readSysctl(key); err == nil {
			f.Sysctls[key] = value
		}
	}
	links, err := netlink.LinkList()
	if err == nil {
		for _, l := range links {
			f.Links = append(f.Links, l.Attrs().Name)
		}
	}
	return f
}

func (m Machine) placeState(place string) string {
	list, err := os.ReadDir(m.path(place))
	list = slices.DeleteFunc(list, func(e fs.DirEntry) bool { return e.Name() == blobsBeside }) // sent before the first look
	switch {
	case err == nil && len(list) == 0:
		return void
	case err == nil:
		return used
	}
	if _, err := os.Lstat(m.path(place)); err == nil {
		return used // a file
	}
	return absent
}
