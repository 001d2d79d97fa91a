package preflight

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

const ours = "0123456789abcdef0123456789abcdef"

func cluster() *spec.Cluster {
	machine := func(name string, role spec.Role, address string) spec.Node {
		return spec.Node{Name: name, Role: role, Address: netip.MustParseAddr(address)}
	}
	return &spec.Cluster{
		Name: "prod", Endpoint: netip.MustParseAddrPort("10.0.0.100:6443"), LoadBalancer: spec.LoadBalancing{Kind: spec.VIP},
		Network: spec.Network{Proxy: "nftables", Backend: "vxlan"},
		Nodes: []spec.Node{
			machine("cp-1", spec.ControlPlane, "10.0.0.11"), machine("w-1", spec.Worker, "10.0.0.21"), machine("lb-1", spec.LoadBalancer, "10.0.0.31"),
		},
	}
}

// fit are machines with nothing wrong, of the least size.
func fit(c *spec.Cluster) []Machine {
	var out []Machine
	for _, n := range c.Nodes {
		memory := int64(700 * mib)
		if n.Role == spec.ControlPlane {
			memory = 1700 * mib
		}
		out = append(out, Machine{Node: n, Facts: node.Facts{
			Arch: "amd64", Kernel: "6.1.0-37-amd64", Systemd: true, Cgroup: 2, CapResource: true, CPUs: 2, MemoryBytes: memory,
			Hostname: n.Name, MachineID: "id of " + n.Name, Addresses: map[string]string{n.Address.String(): "eth0"}, MTU: map[string]int{"eth0": 1500},
			DiskFree:   map[string]int64{"/": 512 * mib, "/var/lib/containerd": 256 * mib, "/var/lib/etcd": 512 * mib, "/var/lib/kubelet": 256 * mib},
			FileSystem: map[string]uint64{"/": 1, "/var/lib/containerd": 2, "/var/lib/etcd": 3, "/var/lib/kubelet": 4},
			Resolvers:  []string{"192.0.2.53"},
		}})
	}
	return out
}

func TestFitMachinesPass(t *testing.T) {
	c := cluster()
	if found := Check(c, ours, fit(c)); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

// TestEverythingAtOnce: all machines' findings are told, not the first one's.
func TestEverythingAtOnce(t *testing.T) {
	c := cluster()
	machines := fit(c)
	for i := range machines {
		machines[i].Facts.Arch, machines[i].Facts.Systemd = "arm64", false
	}
	if found := Check(c, "", machines); len(found) != 6 {
		t.Errorf("%d findings: %+v", len(found), found)
	}
}

// TestBeforeThereIsACluster: without an authority yet no machine is ours, not even one that says it belongs to "".
func TestBeforeThereIsACluster(t *testing.T) {
	c := cluster()
	machines := fit(c)
	machines[0].Facts.Ports = map[int]string{2379: "etcd"}
	machines[1].Facts.Cluster = ours
	found := Check(c, "", machines)
	if len(found) != 2 || found[0].What != "port 2379 is taken by etcd" || found[1].Node != "w-1" {
		t.Errorf("%+v", found)
	}
}

func TestTwins(t *testing.T) {
	c := cluster()
	machines := fit(c)
	machines[1].Facts.MachineID, machines[2].Facts.MachineID = machines[0].Facts.MachineID, machines[0].Facts.MachineID
	machines[2].Facts.Hostname = machines[1].Facts.Hostname
	want := []Finding{
		{Node: "lb-1", What: "same hostname as w-1: w-1", Remedy: "give each machine its own: hostnamectl hostname NAME"},
		{Node: "lb-1", What: "same machine-id as cp-1: id of cp-1", Remedy: "rm /etc/machine-id && systemd-machine-id-setup, then reboot"},
		{Node: "w-1", What: "same machine-id as cp-1: id of cp-1", Remedy: "rm /etc/machine-id && systemd-machine-id-setup, then reboot"},
	}
	for range 10 { // a map is walked inside
		if diff := cmp.Diff(want, Check(c, ours, machines)); diff != "" {
			t.Fatal(diff)
		}
	}
}
