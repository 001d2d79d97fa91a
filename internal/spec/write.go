package spec

import (
	"maps"
	"net"
	"slices"
	"sort"
	"strconv"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Write renders c as HCL that Load reads back to an equal Cluster, without what only the operator's machine knows:
// how machines are reached, and where the state directory and the bundle lie. It is how a cluster's declaration is
// kept inside the cluster, and how one that was made by hand becomes a file. It holds no secret. A Cluster that
// is not complete is written as far as it goes; Load fills in the rest.
func Write(c *Cluster) []byte {
	f := hclwrite.NewEmptyFile()
	w := writer{f.Body()}
	cluster := w.block("cluster", c.Name)
	cluster.text("kubernetes", c.Kubernetes)
	cluster.text("endpoint", c.EndpointText())
	w.loadBalancer(c.LoadBalancer)
	w.network(c.Network)
	w.pki(c.PKI)
	w.etcd(c.Etcd)
	for _, name := range slices.Sorted(maps.Keys(c.Flags)) {
		if len(c.Flags[name]) > 0 {
			w.block("component", name).pairs("flags", c.Flags[name])
		}
	}
	w.upgrade(c.Upgrade)
	w.kubelet(c.Kubelet)
	w.drill(c.Drill)
	w.backup(c.Backup)
	for _, n := range c.Nodes {
		w.node(n)
	}
	return hclwrite.Format(f.Bytes())
}

// EndpointText is the endpoint as ParseEndpoint reads it, "" where none is declared.
func (c *Cluster) EndpointText() string {
	switch {
	case c.EndpointName != "":
		return net.JoinHostPort(c.EndpointName, strconv.Itoa(int(c.Endpoint.Port())))
	case c.Endpoint.IsValid():
		return c.Endpoint.String()
	}
	return ""
}

func (w writer) loadBalancer(lb LoadBalancing) {
	if lb.Kind == Direct {
		return
	}
	b := w.block("load_balancer", string(lb.Kind))
	b.text("interface", lb.Interface)
	b.number("router_id", lb.RouterID)
	b.number("port", lb.Port)
}

func (w writer) network(n Network) {
	if n == (Network{}) {
		return
	}
	b := w.block("network")
	b.prefix("pods", n.Pods)
	b.prefix("services", n.Services)
	b.text("proxy", n.Proxy)
	b.text("backend", n.Backend)
	b.text("dns", n.DNS)
	b.text("node_ports", n.NodePorts)
}

func (w writer) pki(p PKI) {
	if p.Algorithm == "" && p.CALifetime == 0 && p.Lifetime == 0 && p.ExtraSANs == nil {
		return
	}
	b := w.block("pki")
	b.text("algorithm", p.Algorithm)
	b.duration("ca_lifetime", p.CALifetime)
	b.duration("lifetime", p.Lifetime)
	b.texts("extra_sans", p.ExtraSANs)
}

func (w writer) etcd(e Etcd) {
	if e == (Etcd{}) {
		return
	}
	b := w.block("etcd")
	b.number("quota_gib", int(e.QuotaBytes>>30))
	if e.AllowSlowDisk {
		b.body.SetAttributeValue("allow_slow_disk", cty.True)
	}
}

func (w writer) upgrade(u Upgrade) {
	if u == (Upgrade{}) {
		return
	}
	b := w.block("upgrade")
	b.text("max_unavailable", u.MaxUnavailable)
	b.duration("drain_timeout", u.DrainTimeout)
	b.duration("gate_timeout", u.GateTimeout)
	if u.DeleteBarePods {
		b.body.SetAttributeValue("delete_bare_pods", cty.True)
	}
}

func (w writer) drill(d Drill) {
	if len(d.Allow) > 0 {
		w.block("drill").texts("allow", d.Allow)
	}
}

// backup leaves out the paths of the operator's files: what is in them lies on the control planes.
func (w writer) backup(k *Backup) {
	if k == nil {
		return
	}
	b := w.block("backup")
	b.text("schedule", k.Schedule)
	b.number("retain", k.Retain)
	b.texts("recipients", k.Recipients)
	b.text("directory", k.Directory)
	b.text("verify", k.Verify)
	if k.S3 == nil {
		return
	}
	b.body.AppendNewline()
	s := writer{b.body.AppendNewBlock("s3", nil).Body()}
	s.text("endpoint", k.S3.Endpoint)
	s.text("bucket", k.S3.Bucket)
	s.text("prefix", k.S3.Prefix)
	s.text("region", k.S3.Region)
	if k.S3.Insecure {
		s.body.SetAttributeValue("insecure", cty.True)
	}
}

func (w writer) kubelet(k Kubelet) {
	if k.MaxPods == 0 && k.EvictionHard == nil && k.ImageGCHighThresholdPercent == 0 && k.ImageGCLowThresholdPercent == 0 {
		return
	}
	b := w.block("kubelet")
	b.number("max_pods", k.MaxPods)
	b.pairs("eviction_hard", k.EvictionHard)
	b.number("image_gc_high_threshold_percent", k.ImageGCHighThresholdPercent)
	b.number("image_gc_low_threshold_percent", k.ImageGCLowThresholdPercent)
}

func (w writer) node(n Node) {
	b := w.block("node", n.Name)
	b.text("role", string(n.Role))
	b.text("address", n.Address.String())
	b.text("ssh_address", n.SSHAddress)
	b.pairs("labels", n.Labels)
	if n.Taints != nil {
		taints := make([]string, 0, len(n.Taints))
		for _, t := range n.Taints {
			taints = append(taints, t.String())
		}
		sort.Strings(taints)
		b.texts("taints", taints)
	}
}

// String is the taint as kubectl writes it: key=value:Effect, or key:Effect.
func (t Taint) String() string {
	key := t.Key
	if t.Value != "" {
		key += "=" + t.Value
	}
	return key + ":" + t.Effect
}

// WriteSSH renders an ssh block, to go with what Write gives. Paths are relative to the file that it goes into.
func WriteSSH(user, privateKey, knownHosts string) []byte {
	f := hclwrite.NewEmptyFile()
	b := writer{f.Body()}.block("ssh")
	b.text("user", user)
	b.text("private_key", privateKey)
	b.text("known_hosts", knownHosts)
	return hclwrite.Format(f.Bytes())
}
