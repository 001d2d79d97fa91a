package components

import (
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// machine is what the kernel must offer before anything else: modules, parameters, no swap.
func (in *Input) machine(n spec.Node) ([]node.Resource, error) {
	var out []node.Resource
	for _, m := range in.modules(n) {
		out = append(out, node.Resource{Module: &node.Module{Name: m}})
	}
	for _, s := range in.sysctls(n) {
		out = append(out, node.Resource{Sysctl: &s})
	}
	// The kubelet refuses to start with swap on, unless told what pods may do with it: their memory limits would not hold.
	return append(out, noSwapOnBoot(), node.Resource{Swap: &node.Swap{}}), nil
}

// noSwapOnBoot keeps systemd from turning swap on, whatever asks for it: /etc/fstab is but one of several, beside units of
// the owner's, partitions that are found by their type, and compressed memory. After a reboot, the kubelet would not start.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html (drop-ins of a whole type of units)
func noSwapOnBoot() node.Resource {
	return textFile(layout.Units+"/swap.d/50-slipway.conf", 0o644,
		[]byte("# The kubelet does not start with swap on.\n[Unit]\nConditionPathExists=!/\n"))
}

// noOverrides hides drop-ins, such as kubeadm's, that would make the unit run something else than Slipway's file says. Others,
// such as of a proxy, stay: they are the owner's.
func (in *Input) noOverrides(n spec.Node, unit string) []node.Resource {
	var out []node.Resource
	for _, name := range in.Facts[n.Name].Overrides[unit] {
		out = append(out, textFile(layout.Units+"/"+unit+".d/"+name, 0o644, []byte(node.NoOverride)))
	}
	return out
}

func (in *Input) modules(n spec.Node) []string {
	if n.Role == spec.LoadBalancer {
		return []string{"overlay"}
	}
	// nf_conntrack brings the parameters below. It would be loaded later by kube-proxy's rules, and the next apply
	// would then find parameters that this one could not set.
	modules := []string{"overlay", "br_netfilter", "nf_conntrack"}
	if in.Cluster.Network.Backend == "vxlan" {
		modules = append(modules, "vxlan")
	}
	if in.Cluster.Network.Proxy == "ipvs" {
		// Services' addresses are on a dummy device. Preflight looks for these by the same names.
		modules = append(modules, "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "dummy")
	}
	return modules
}

func (in *Input) sysctls(n spec.Node) []node.Sysctl {
	var out []node.Sysctl
	if in.holdsBalancer(n) && in.Cluster.LoadBalancer.Kind == spec.VIP {
		// HAProxy listens on the shared address also while another node holds it.
		key := "net.ipv4.ip_nonlocal_bind"
		if in.Cluster.Endpoint.Addr().Is6() {
			key = "net.ipv6.ip_nonlocal_bind"
		}
		out = append(out, node.Sysctl{Key: key, Value: "1"})
	}
	if n.Role == spec.LoadBalancer {
		return out
	}
	out = append(out,
		node.Sysctl{Key: "net.ipv4.ip_forward", Value: "1"},
		node.Sysctl{Key: "net.bridge.bridge-nf-call-iptables", Value: "1"},
		node.Sysctl{Key: "net.bridge.bridge-nf-call-ip6tables", Value: "1", Optional: true},
		// What kube-proxy would set itself; it cannot inside a container, and only once per machine is enough.
		node.Sysctl{Key: "net.netfilter.nf_conntrack_tcp_timeout_established", Value: "86400", Optional: true},
		node.Sysctl{Key: "net.netfilter.nf_conntrack_tcp_timeout_close_wait", Value: "3600", Optional: true},
	)
	if in.Facts[n.Name].Container != "" {
		return out // the rest belongs to the kernel as a whole, which is not this machine's own
	}
	return append(out,
		// What the kubelet would set itself.
		node.Sysctl{Key: "vm.overcommit_memory", Value: "1", Optional: true},
		node.Sysctl{Key: "kernel.panic", Value: "10", Optional: true},
		node.Sysctl{Key: "kernel.panic_on_oops", Value: "1", Optional: true},
		// Many pods with file watchers exhaust the default of 128.
		node.Sysctl{Key: "fs.inotify.max_user_instances", Value: "8192", Optional: true},
		node.Sysctl{Key: "fs.inotify.max_user_watches", Value: "524288", Optional: true},
	)
}
