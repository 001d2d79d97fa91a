// Package spec turns an HCL file into a Cluster. It is the only package that knows HCL;
// what it returns is complete (defaults filled in), checked, and not changed by anyone afterwards.
package spec

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// Role is what a node is for.
type Role string

const (
	ControlPlane Role = "control-plane"
	Worker       Role = "worker"
	LoadBalancer Role = "load-balancer"
)

// Cluster is one cluster as declared.
type Cluster struct {
	Name         string
	Kubernetes   string         // version without "v": 1.36.3
	Endpoint     netip.AddrPort // where clients reach the API; zero with node_local and no endpoint
	EndpointName string         // set instead of Endpoint's address when the endpoint is a DNS name; the port is Endpoint's
	StateDir     string         // operator's state directory, absolute
	Bundle       string         // path of the bundle file, absolute; "" to look beside the file and the binary
	LoadBalancer LoadBalancing
	Network      Network
	SSH          SSH
	PKI          PKI
	Etcd         Etcd
	Flags        map[string]map[string]string // of the control plane's programs, beside Slipway's: value by flag by program
	Kubelet      Kubelet
	Upgrade      Upgrade
	Drill        Drill
	Backup       *Backup // nil: none by schedule
	Nodes        []Node  // in the file's order
	File         string  // path the cluster was read from
	Places       Places  // in the file
	digest       string
	sources      map[string]*hcl.File // to show Places in
}

// Digest is "sha256:…" over everything that was read to make the cluster: the file, files of variables,
// variables, and what file() and fileexists() gave. A stored plan carries it, to know the file again.
func (c *Cluster) Digest() string { return c.digest }

// LBKind is how clients reach a healthy API server.
type LBKind string

const (
	VIP       LBKind = "vip"        // HAProxy and keepalived, on control planes or on load-balancer nodes
	NodeLocal LBKind = "node_local" // every node's own HAProxy on loopback
	External  LBKind = "external"   // the user's
	Direct    LBKind = "direct"     // no balancer: one control plane, endpoint is its address
)

// LoadBalancing is the load_balancer block.
type LoadBalancing struct {
	Kind      LBKind
	Interface string // vip: "" to use the interface that holds the node's address
	RouterID  int    // vip: VRRP virtual router id, 1 to 255
	Port      int    // node_local: loopback port, 7443 by default, which cannot clash with an API server on all addresses
}

// Network is the network block.
type Network struct {
	Pods      netip.Prefix
	Services  netip.Prefix
	Proxy     string // nftables | iptables | ipvs
	Backend   string // vxlan | host-gw
	DNS       string // cluster domain, cluster.local
	NodePorts string // "30000-32767"
}

// SSH is how machines are reached. A node's own ssh block overrides fields.
type SSH struct {
	User             string
	Port             int
	PrivateKey       string // absolute path; "" for the agent only
	KnownHosts       string // absolute path
	SudoPasswordFile string // absolute path, 0600; "" for passwordless sudo
	Bastions         []Bastion
	Timeout          time.Duration // for one connection attempt
}

// Bastion is one hop on the way, first to last.
type Bastion struct {
	Address    string
	Port       int
	User       string
	PrivateKey string
}

// PKI is the pki block.
type PKI struct {
	Algorithm  string // ecdsa-p256 | rsa-2048 | rsa-3072 | rsa-4096
	CALifetime time.Duration
	Lifetime   time.Duration // of leaves
	ExtraSANs  []string      // more names and addresses for the API server's certificate
}

// Etcd is the etcd block.
type Etcd struct {
	QuotaBytes    int64 // size of the database at which it takes no more writes; 0: etcd's default
	AllowSlowDisk bool  // make control planes of machines whose disk is too slow for etcd
}

// Upgrade is the upgrade block: how a running cluster goes to another version.
type Upgrade struct {
	MaxUnavailable string        // of the workers at once: a number, or "25%"
	DrainTimeout   time.Duration // for one worker
	GateTimeout    time.Duration // for one node to come through, before it is put back
	DeleteBarePods bool          // that no controller would make again, when a worker is drained
}

// Drill is the drill block: what may be done to the cluster to learn from it.
type Drill struct {
	Allow []string // drills: "upgrade", "watch"
}

// Batch is how many of so many workers may be away at once: at least one.
func (u Upgrade) Batch(workers int) int {
	if percent, ok := strings.CutSuffix(u.MaxUnavailable, "%"); ok {
		if n, err := strconv.Atoi(percent); err == nil {
			return max(1, workers*n/100)
		}
	}
	n, err := strconv.Atoi(u.MaxUnavailable)
	if err != nil {
		return 1
	}
	return max(1, n)
}

// Kubelet is the kubelet block: settings merged over the defaults on every node.
type Kubelet struct {
	MaxPods                     int               // 0: the kubelet's default
	EvictionHard                map[string]string // nil: the kubelet's default
	ImageGCHighThresholdPercent int               // 0: the kubelet's default
	ImageGCLowThresholdPercent  int
}

// Node is one declared machine.
type Node struct {
	Name       string
	Role       Role
	Address    netip.Addr // the address that all of the cluster's own traffic uses
	SSHAddress string     // where SSH answers, when not Address
	SSH        SSH        // complete, the cluster's with the node's overrides
	Labels     map[string]string
	Taints     []Taint   // nil: not said, so that a control plane beside workers has its usual one; empty: none
	Range      hcl.Range // where it was declared
}

// Taint is one node taint.
type Taint struct {
	Key, Value, Effect string
}

// ControlPlanes lists the control-plane nodes in the file's order.
func (c *Cluster) ControlPlanes() []Node { return c.withRole(ControlPlane) }

// Workers lists the worker nodes in the file's order.
func (c *Cluster) Workers() []Node { return c.withRole(Worker) }

// LoadBalancers lists the nodes that hold a VIP: those of that role, or else the control planes.
func (c *Cluster) LoadBalancers() []Node {
	if c.LoadBalancer.Kind != VIP {
		return nil
	}
	if lbs := c.withRole(LoadBalancer); len(lbs) > 0 {
		return lbs
	}
	return c.ControlPlanes()
}

func (c *Cluster) withRole(r Role) []Node {
	var out []Node
	for _, n := range c.Nodes {
		if n.Role == r {
			out = append(out, n)
		}
	}
	return out
}
