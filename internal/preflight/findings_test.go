package preflight

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// TestFindings breaks one thing after the other on the machine named, and expects just that to be told, with its remedy.
func TestFindings(t *testing.T) {
	const (
		remedyMemory  = "give the machine more memory"
		remedyDisk    = "free some space below / or grow its file system"
		remedyClock   = "set up time synchronisation (apt-get install chrony), here or on the machine"
		remedyKernel  = "install the distribution's standard kernel and its modules package, or the named program"
		remedyModules = "install the distribution's standard kernel and its modules package"
		remedySync    = "give etcd a faster disk, such as an SSD of its own at /var/lib/etcd"
		remedyPort    = "stop that program, or use another machine"
		remedyCluster = "remove that cluster first (kubeadm reset, k3s-uninstall.sh …), or use another machine"
		remedyForeign = "slipway reset on that machine, or slipway destroy with the file and the state directory of its cluster, or use another machine"
		remedyAddress = "correct the node's address (in the file, or by --address), or configure it on the machine; ssh_address is for reaching it by another"
	)
	fails := func(node, what, remedy string) []Finding { return []Finding{{Node: node, What: what, Remedy: remedy}} }
	warns := func(node, what, remedy string) []Finding {
		return []Finding{{Node: node, What: what, Remedy: remedy, Warning: true}}
	}
	for name, test := range map[string]struct {
		on     string // the machine that breaks
		damage func(*spec.Cluster, *Machine)
		want   []Finding
	}{
		"architecture": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Arch = "arm64" },
			fails("w-1", "architecture is arm64", "use an amd64 machine: bundles are built for amd64 so far")},
		"no systemd": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Systemd = false },
			fails("w-1", "systemd is not in charge of this machine", "use a distribution that runs systemd, such as Debian 12 or later")},
		"a slow disk": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.SyncTime = 12 * time.Millisecond },
			warns("cp-1", "its disk is slow for etcd: 99 of 100 small writes to /var/lib/etcd are synced within 12ms, and that should be 10ms", remedySync)},
		"too slow a disk": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.SyncTime = 51 * time.Millisecond },
			fails("cp-1", "its disk is slow for etcd: 99 of 100 small writes to /var/lib/etcd are synced within 51ms, and that should be 10ms", remedySync+", try again when the machine has less to do, or write etcd { allow_slow_disk = true }")},
		"too slow a disk, by the file": {"cp-1", func(c *spec.Cluster, m *Machine) { m.Facts.SyncTime, c.Etcd.AllowSlowDisk = time.Second, true },
			warns("cp-1", "its disk is slow for etcd: 99 of 100 small writes to /var/lib/etcd are synced within 1s, and that should be 10ms", remedySync)},
		"a fast disk":              {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.SyncTime = 10 * time.Millisecond }, nil},
		"a slow disk of a worker":  {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.SyncTime = time.Second }, nil},
		"a slow disk that is ours": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.SyncTime, m.Facts.Cluster = time.Second, ours }, nil},
		"a schedule that systemd does not take": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Schedules = map[string]string{"02:00 Nowhere/City": "no such zone"}
		},
			fails("cp-1", `its systemd does not take the schedule "02:00 Nowhere/City": no such zone`, "correct the schedule in the file's backup block, or install the machine's systemd whole")},
		"old cgroups": {"lb-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Cgroup = 1 },
			warns("lb-1", "cgroup version 1", "boot with systemd.unified_cgroup_hierarchy=1; Kubernetes keeps version 1 alive but no longer improves it")},
		"a bounded container": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Container, m.Facts.CapResource = "lxc", false },
			warns("w-1", "no CAP_SYS_RESOURCE: out-of-memory scores of pods cannot be lowered", "grant the container CAP_SYS_RESOURCE")},
		"kernel": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Missing = []string{"br_netfilter"} },
			fails("w-1", "br_netfilter is missing", remedyKernel)},
		"vxlan is needed": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Missing = []string{"vxlan"} },
			fails("w-1", "vxlan is missing", remedyModules+`, or write backend = "host-gw" in the network block, where all nodes share one link`)},
		"vxlan is not needed": {"w-1", func(c *spec.Cluster, m *Machine) { c.Network.Backend, m.Facts.Missing = "host-gw", []string{"vxlan"} }, nil},
		"nftables is needed": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Missing = []string{"nft_masq"} },
			fails("w-1", "nft_masq is missing", remedyModules+`, or write proxy = "iptables" in the network block`)},
		"nftables' modules are not needed": {"w-1", func(c *spec.Cluster, m *Machine) { c.Network.Proxy, m.Facts.Missing = "iptables", []string{"nft_masq"} }, nil},
		"nftables is needed under iptables": {"w-1", func(c *spec.Cluster, m *Machine) {
			c.Network.Proxy, m.Facts.Missing = "iptables", []string{"nf_tables"}
		},
			fails("w-1", "nf_tables is missing", remedyKernel)},
		"iptables is needed": {"w-1", func(c *spec.Cluster, m *Machine) {
			c.Network.Proxy, m.Facts.Missing = "iptables", []string{"nft_compat"}
		},
			fails("w-1", "nft_compat is missing", remedyModules+`, or write proxy = "nftables" in the network block`)},
		"iptables is not needed": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Missing = []string{"xt_statistic"} }, nil},
		"ipvs is not needed":     {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Missing = []string{"ip_vs", "ip_vs_rr", "dummy", "ip_set"} }, nil},
		"ipvs is needed": {"w-1", func(c *spec.Cluster, m *Machine) { c.Network.Proxy, m.Facts.Missing = "ipvs", []string{"ip_vs_rr"} },
			fails("w-1", "ip_vs_rr is missing", remedyModules+`, or write proxy = "nftables" in the network block`)},
		"conntrack is needed": {"w-1", func(c *spec.Cluster, m *Machine) { c.Network.Proxy, m.Facts.Missing = "ipvs", []string{"nf_conntrack"} },
			fails("w-1", "nf_conntrack is missing", remedyKernel)},
		"ipvs under iptables": {"w-1", func(c *spec.Cluster, m *Machine) { c.Network.Proxy, m.Facts.Missing = "ipvs", []string{"xt_comment"} },
			fails("w-1", "xt_comment is missing", remedyModules+`, or write proxy = "nftables" in the network block`)},
		"a balancer has no pods": {"lb-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Missing, m.Facts.Kernel = []string{"vxlan", "nft_masq"}, "5.10.0"
		}, nil},
		"an old kernel": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Kernel = "5.10.0-28-cloud-amd64" },
			fails("w-1", "kernel 5.10.0-28-cloud-amd64, and kube-proxy's nftables mode needs 5.13", `install a newer kernel, or write proxy = "iptables" in the network block`)},
		"an old kernel under iptables": {"w-1", func(c *spec.Cluster, m *Machine) {
			c.Network.Proxy, m.Facts.Kernel = "iptables", "5.10.0-28-cloud-amd64"
		}, nil},
		"a kernel just new enough": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Kernel = "5.13.0" }, nil},
		"swap": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Swap = []string{"/dev/sda2", "/swap"} },
			warns("w-1", "swap is on: /dev/sda2, /swap", "apply turns it off and keeps it off over reboots; destroy turns it on again")},
		"memory of a control plane": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.MemoryBytes = 1700*mib - 1 },
			fails("cp-1", "1699 MiB of memory, at least 1700 MiB are needed", remedyMemory)},
		"memory of a worker": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.MemoryBytes = 699 * mib },
			fails("w-1", "699 MiB of memory, at least 700 MiB are needed", remedyMemory)},
		"memory of a balancer": {"lb-1", func(_ *spec.Cluster, m *Machine) { m.Facts.MemoryBytes = 256 * mib }, nil},
		"one processor": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.CPUs = 1 },
			warns("cp-1", "1 processor for a control plane", "give the machine two processors")},
		"one processor of a worker": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.CPUs = 1 }, nil},
		"a full disk": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.DiskFree["/"] = 10 * mib },
			fails("w-1", "10 MiB free below /, 512 MiB are needed", remedyDisk)},
		"a disk too small for the payload": {"w-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.DiskFree["/"], m.Needs = 1111*mib, 200*mib
			m.Facts.DiskFree["/var/lib/containerd"] = (256 + 600) * mib
		}, fails("w-1", "1111 MiB free below /, 1112 MiB are needed", remedyDisk)},
		"no payload goes to etcd and the kubelet": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			m.Needs = 200 * mib
			m.Facts.DiskFree["/"], m.Facts.DiskFree["/var/lib/containerd"] = 4096*mib, 4096*mib
		}, nil},
		"a disk too small for etcd": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.DiskFree["/var/lib/etcd"] = 511 * mib },
			fails("cp-1", "511 MiB free below /var/lib/etcd, 512 MiB are needed", "free some space below /var/lib/etcd or grow its file system")},
		"a worker has no etcd": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.DiskFree["/var/lib/etcd"] = 0 }, nil},
		"one disk for all": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			for path := range m.Facts.DiskFree {
				m.Facts.DiskFree[path], m.Facts.FileSystem[path] = 2736*mib, 1
			}
			m.Needs = 200 * mib
		}, nil},
		"one disk for all, too small": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			for path := range m.Facts.DiskFree {
				m.Facts.DiskFree[path], m.Facts.FileSystem[path] = 2735*mib, 1
			}
			m.Needs = 200 * mib
		}, fails("cp-1", "2735 MiB free below /, 2736 MiB are needed, where /var/lib/containerd, /var/lib/etcd, /var/lib/kubelet lie too", remedyDisk)},
		"our own payload on the disk": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Cluster, m.Facts.DiskFree["/"] = ours, 101*mib }, nil},
		"our own disk, full": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Cluster, m.Facts.DiskFree["/"] = ours, 99*mib },
			fails("w-1", "99 MiB free below /, 100 MiB are needed", remedyDisk)},
		"a clock ahead": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Skew = time.Hour + 400*time.Millisecond },
			fails("w-1", "its clock is 1h0m0s off the operator's: certificates would not be valid yet, or etcd unstable", remedyClock)},
		"a clock behind": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Skew = -11 * time.Second },
			fails("w-1", "its clock is -11s off the operator's: certificates would not be valid yet, or etcd unstable", remedyClock)},
		"a clock almost right": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Skew = -10 * time.Second }, nil},
		"another address": {"w-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Addresses = map[string]string{"10.0.2.15": "eth0", "10.0.0.99": "eth1"}
		},
			fails("w-1", "address 10.0.0.21 is on none of its interfaces (it has 10.0.0.99, 10.0.2.15)", remedyAddress)},
		"no such interface": {"lb-1", func(c *spec.Cluster, _ *Machine) { c.LoadBalancer.Interface = "eth7" },
			fails("lb-1", `no interface "eth7" for the shared address`, "name an interface of this machine in the load_balancer block, or leave it out")},
		"no route": {"w-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Unreachable = map[string]string{"10.0.0.11": "network is unreachable"}
		},
			fails("w-1", "no route to 10.0.0.11: network is unreachable", "add a route, or put the machines on one network")},
		"no resolver": {"w-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Resolvers = nil },
			warns("w-1", "no resolver outside the machine: the cluster's DNS will answer the cluster's own names only", "add a nameserver line to /etc/resolv.conf, then apply again")},
		"no resolver on a balancer": {"lb-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Resolvers = nil }, nil},
		"a taken port": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Facts.Ports = map[int]string{6443: "haproxy (pid 7)"} },
			fails("cp-1", "port 6443 is taken by haproxy (pid 7)", remedyPort)},
		"our own port": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Cluster, m.Facts.Ports, m.Facts.Leftovers = ours, map[int]string{6443: "kube-apiserver"}, []string{"/var/lib/etcd/member"}
		}, nil},
		"leftovers": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Leftovers = []string{"/etc/kubernetes/admin.conf", "/var/lib/etcd/member"}
		},
			[]Finding{
				{Node: "cp-1", What: "left by another cluster: /etc/kubernetes/admin.conf", Remedy: remedyCluster},
				{Node: "cp-1", What: "left by another cluster: /var/lib/etcd/member", Remedy: remedyCluster},
			}},
		"a node of kubeadm's that is taken over": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			m.Taken, m.Facts.Ports = true, map[int]string{6443: "kube-apiserver"}
			m.Facts.Leftovers = []string{"/etc/kubernetes/admin.conf", "/var/lib/etcd/member", "/run/containerd/containerd.sock", "/run/docker.sock"}
		}, nil},
		"another's leftovers where one is taken over": {"cp-1", func(_ *spec.Cluster, m *Machine) { m.Taken, m.Facts.Leftovers = true, []string{"/run/crio/crio.sock"} },
			fails("cp-1", "left by another cluster: /run/crio/crio.sock", remedyCluster)},
		// What runs there is that cluster's, so the ports need no telling.
		"another cluster of Slipway": {"cp-1", func(_ *spec.Cluster, m *Machine) {
			m.Facts.Cluster, m.Facts.Node, m.Facts.Ports = "feedface", "old-1", map[int]string{6443: "kube-apiserver"}
		}, fails("cp-1", "belongs to another Slipway cluster (id feedface, node old-1)", remedyForeign)},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster()
			machines := fit(c)
			i := slices.IndexFunc(machines, func(m Machine) bool { return m.Node.Name == test.on })
			test.damage(c, &machines[i])
			if diff := cmp.Diff(test.want, Check(c, ours, machines)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEveryFindingHasARemedy, and every failure of TestFindings above is one that a user can act on.
func TestEveryFindingHasARemedy(t *testing.T) {
	c := cluster()
	c.LoadBalancer.Interface = "eth7"
	machines := fit(c)
	for i := range machines {
		n := machines[i].Node
		machines[i].Facts = node.Facts{
			Cgroup: 1, Container: "lxc", Missing: []string{"overlay"}, Swap: []string{"/swap"}, CPUs: 1, DiskFree: map[string]int64{"/": 0},
			Unreachable: map[string]string{"x": "y"}, Leftovers: []string{"z"}, Ports: map[int]string{1: "init"},
		}
		machines[i] = Machine{Node: n, Facts: machines[i].Facts, Skew: time.Hour}
	}
	found := Check(c, ours, machines)
	if len(found) < 40 {
		t.Errorf("only %d findings", len(found))
	}
	for _, f := range found {
		if f.Node == "" || f.What == "" || f.Remedy == "" {
			t.Errorf("%+v", f)
		}
	}
}
