package node

import "time"

// Facts is what a machine says of itself. Gathered in one call, it holds no secrets.
type Facts struct {
	Time         time.Time         `json:"time"`
	Hostname     string            `json:"hostname"`
	MachineID    string            `json:"machineID"`
	BootID       string            `json:"bootID"`
	OS           string            `json:"os"`   // PRETTY_NAME
	Arch         string            `json:"arch"` // GOARCH
	Kernel       string            `json:"kernel"`
	Systemd      bool              `json:"systemd"`      // PID 1 is systemd and answers
	Cgroup       int               `json:"cgroup"`       // 1 or 2
	Container    string            `json:"container"`    // systemd-detect-virt --container; "" on a real machine or VM
	InitialNetNS bool              `json:"initialNetNS"` // nf_conntrack_max is writable only there
	CapResource  bool              `json:"capResource"`  // CAP_SYS_RESOURCE in the bounding set
	CPUs         int               `json:"cpus"`
	MemoryBytes  int64             `json:"memoryBytes"`
	DiskFree     map[string]int64  `json:"diskFree"` // bytes free by path: /, /var/lib/containerd, /var/lib/etcd, /var/lib/kubelet
	DiskTotal    map[string]int64  `json:"diskTotal"`
	FileSystem   map[string]uint64 `json:"fileSystem"`         // device number by path: equal where one file system holds both
	SyncTime     time.Duration     `json:"syncTime,omitempty"` // of a small write where etcd's data goes, 99 of 100; 0 where it was not asked for, or a cluster's node runs
	Swap         []string          `json:"swap"`               // active swap devices and files
	Addresses    map[string]string `json:"addresses"`          // address → interface
	MTU          map[string]int    `json:"mtu"`                // interface → MTU
	Resolvers    []string          `json:"resolvers"`          // nameservers of ResolvConf that are not loopback
	ResolvConf   string            `json:"resolvConf"`         // file for the kubelet: /run/systemd/resolve/resolv.conf under systemd-resolved
	Missing      []string          `json:"missing"`            // kernel features or programs looked for and absent: "overlay", "br_netfilter", …
	Modular      bool              `json:"modular"`            // kernel with loadable modules
	Ports        map[int]string    `json:"ports"`              // listening TCP ports of those asked for → process name
	Leftovers    []string          `json:"leftovers"`          // paths of another tool's cluster: /etc/kubernetes/…, /var/lib/etcd/member
	Cluster      string            `json:"cluster"`            // State.Cluster last converged here; "" on a bare machine
	Node         string            `json:"node"`               // State.Node last converged here
	Unreachable  map[string]string `json:"unreachable"`        // asked-for addresses without a route → error
	Running      []string          `json:"running"`            // asked-for programs of which a process lives

	// Schedules are those asked for that systemd does not take, with what it says.
	Schedules map[string]string `json:"schedules,omitempty"`

	// Overrides are drop-ins that make a unit run something else than its file says, by unit: the names of those files.
	Overrides map[string][]string `json:"overrides,omitempty"`
}

// Ask is what the operator wants looked into beyond the fixed list.
type Ask struct {
	Ports    []int    `json:"ports"`
	Routes   []string `json:"routes"`   // addresses that must have a route from here
	Programs []string `json:"programs"` // names of processes, at most 15 bytes each, as the kernel keeps them
	// Schedules are calendar events that timers are to go by.
	Schedules []string `json:"schedules,omitempty"`
	Sync      bool     `json:"sync,omitempty"` // measure the disk, for up to a second, unless the machine is a node already
}

// NoOverride is the drop-in that takes the place of one that would make a unit run something else than its file says.
const NoOverride = "# Written by slipway: it hides the drop-in of this name, which would run another program.\n"
