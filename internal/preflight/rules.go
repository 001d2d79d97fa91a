package preflight

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

const (
	mib = 1 << 20
	// What kubeadm asks of a control plane and of a node.
	controlPlaneMemory = 1700 * mib
	nodeMemory         = 700 * mib

	// MaxSkew is by how much a machine's clock may be off.
	MaxSkew = 10 * time.Second
)

func (j *judge) all() {
	j.platform()
	j.kernel()
	j.size()
	j.disks()
	j.slowDisk()
	j.clock()
	j.addresses()
	j.schedules()
	j.occupied()
}

// schedules are judged by the machine's own systemd, which also has the list of time zones.
func (j *judge) schedules() {
	for _, s := range slices.Sorted(maps.Keys(j.machine.Facts.Schedules)) {
		j.fail("correct the schedule in the file's backup block, or install the machine's systemd whole", "its systemd does not take the schedule %q: %s", s, j.machine.Facts.Schedules[s])
	}
}

func (j *judge) platform() {
	f := j.machine.Facts
	if f.Arch != "amd64" {
		j.fail("use an amd64 machine: bundles are built for amd64 so far", "architecture is %s", f.Arch)
	}
	if !f.Systemd {
		j.fail("use a distribution that runs systemd, such as Debian 12 or later", "systemd is not in charge of this machine")
	}
	if f.Cgroup == 1 {
		j.warn("boot with systemd.unified_cgroup_hierarchy=1; Kubernetes keeps version 1 alive but no longer improves it", "cgroup version 1")
	}
	if f.Container != "" && !f.CapResource {
		j.warn("grant the container CAP_SYS_RESOURCE", "no CAP_SYS_RESOURCE: out-of-memory scores of pods cannot be lowered")
	}
}

func (j *judge) size() {
	f, need := j.machine.Facts, int64(nodeMemory)
	if j.machine.Node.Role == spec.ControlPlane {
		need = controlPlaneMemory
		if f.CPUs < 2 {
			j.warn("give the machine two processors", "%d processor for a control plane", f.CPUs)
		}
	}
	if j.machine.Node.Role != spec.LoadBalancer && f.MemoryBytes < need {
		j.fail("give the machine more memory", "%d MiB of memory, at least %d MiB are needed", f.MemoryBytes/mib, need/mib)
	}
}

func (j *judge) clock() {
	if skew := j.machine.Skew; skew.Abs() > MaxSkew {
		j.fail("set up time synchronisation (apt-get install chrony), here or on the machine", "its clock is %s off the operator's: certificates would not be valid yet, or etcd unstable", skew.Round(time.Second))
	}
}

func (j *judge) addresses() {
	f, n := j.machine.Facts, j.machine.Node
	if _, present := f.Addresses[n.Address.String()]; !present {
		j.fail("correct the node's address (in the file, or by --address), or configure it on the machine; ssh_address is for reaching it by another",
			"address %s is on none of its interfaces (it has %s)", n.Address, strings.Join(slices.Sorted(maps.Keys(f.Addresses)), ", "))
	}
	if vip := j.cluster.LoadBalancer; vip.Kind == spec.VIP && vip.Interface != "" && f.MTU[vip.Interface] == 0 {
		for _, lb := range j.cluster.LoadBalancers() {
			if lb.Name == n.Name {
				j.fail("name an interface of this machine in the load_balancer block, or leave it out", "no interface %q for the shared address", vip.Interface)
			}
		}
	}
	for _, address := range slices.Sorted(maps.Keys(f.Unreachable)) {
		j.fail("add a route, or put the machines on one network", "no route to %s: %s", address, f.Unreachable[address])
	}
	if n.Role != spec.LoadBalancer && len(f.Resolvers) == 0 {
		j.warn("add a nameserver line to /etc/resolv.conf, then apply again", "no resolver outside the machine: the cluster's DNS will answer the cluster's own names only")
	}
}

// occupied finds what another tool left, or what still runs. On a machine of this cluster it is ours.
func (j *judge) occupied() {
	f := j.machine.Facts
	if j.ours {
		return
	}
	if f.Cluster != "" {
		j.fail("slipway reset on that machine, or slipway destroy with the file and the state directory of its cluster, or use another machine", "belongs to another Slipway cluster (id %s, node %s)", f.Cluster, f.Node)
		return
	}
	for _, path := range f.Leftovers {
		if j.machine.Taken && ofKubeadm(path) {
			continue
		}
		j.fail("remove that cluster first (kubeadm reset, k3s-uninstall.sh …), or use another machine", "left by another cluster: %s", path)
	}
	if j.machine.Taken {
		return
	}
	for _, port := range slices.Sorted(maps.Keys(f.Ports)) {
		j.fail("stop that program, or use another machine", "port %d is taken by %s", port, f.Ports[port])
	}
}

// ofKubeadm reports whether the path is one that a node of kubeadm's has; containerd may serve another engine, too.
func ofKubeadm(path string) bool {
	return slices.ContainsFunc([]string{"/etc/kubernetes/", "/var/lib/etcd/", "/var/lib/kubelet/", "/etc/cni/net.d/", "/run/containerd/", "/run/docker.sock"},
		func(place string) bool { return strings.HasPrefix(path, place) })
}
