package kubeadm

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// Finding is one thing of the cluster that Slipway does otherwise, or, refused, cannot follow.
type Finding struct {
	What    string
	Remedy  string // "" where nothing need be done
	Refused bool
}

// reading is the cluster while it is being put into Slipway's words.
type reading struct {
	*Found
	cluster  spec.Cluster
	findings []Finding
}

func (r *reading) refuse(remedy, what string, args ...any) {
	r.add(Finding{What: fmt.Sprintf(what, args...), Remedy: remedy, Refused: true})
}

func (r *reading) tell(what string, args ...any) {
	r.add(Finding{What: fmt.Sprintf(what, args...)})
}

// add tells of what several machines have in common once.
func (r *reading) add(f Finding) {
	if !slices.Contains(r.findings, f) {
		r.findings = append(r.findings, f)
	}
}

// Spec is the cluster as Slipway's file would say it, and all that it cannot say.
func (f *Found) Spec() (*spec.Cluster, []Finding) {
	r := &reading{Found: f}
	r.cluster.Name = cmp.Or(f.config.ClusterName, "kubernetes")
	r.cluster.Kubernetes = strings.TrimPrefix(f.config.KubernetesVersion, "v")
	r.version()
	r.readNodes()
	r.endpoint()
	r.ranges()
	r.certificates()
	r.flags()
	r.readKubelet()
	r.readProxy()
	r.podNetwork()
	r.addons()
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		switch {
		case a.Refused == b.Refused:
			return 0
		case a.Refused:
			return -1
		}
		return 1
	})
	return &r.cluster, r.findings
}

func (r *reading) version() {
	if known := spec.SupportedKubernetes(); !slices.Contains(known, r.cluster.Kubernetes) {
		r.refuse("bring it to one of these with kubeadm upgrade first, and the kubelets with it", "it runs Kubernetes %s, and Slipway makes %s", r.cluster.Kubernetes, strings.Join(known, ", "))
	}
}

func (r *reading) readNodes() {
	for i := range r.nodes {
		n, info := &r.nodes[i], r.nodes[i].Status.NodeInfo
		if v := strings.TrimPrefix(info.KubeletVersion, "v"); v != r.cluster.Kubernetes {
			r.refuse("finish the upgrade with kubeadm first", "the kubelet of %s is of version %s, and the cluster of %s", n.Name, v, r.cluster.Kubernetes)
		}
		if info.OperatingSystem != "linux" || info.Architecture != "amd64" {
			r.refuse("drain the node and take it out of the cluster", "%s is a machine of %s on %s, and Slipway's bundles are for linux on amd64", n.Name, info.OperatingSystem, info.Architecture)
		}
		if !strings.HasPrefix(info.ContainerRuntimeVersion, "containerd://") {
			r.refuse("move the node to containerd first", "%s runs its containers with %s, and Slipway with containerd", n.Name, info.ContainerRuntimeVersion)
		}
		if len(n.Spec.PodCIDRs) > 1 {
			r.refuse("Slipway's clusters are of one family so far", "%s has two ranges of pods", n.Name)
		}
	}
	for _, l := range r.live {
		n := spec.Node{Name: l.Name, Role: spec.Worker, Labels: l.Labels}
		if l.ControlPlane {
			n.Role, n.Taints = spec.ControlPlane, []spec.Taint{}
		}
		for _, t := range l.Taints {
			n.Taints = append(n.Taints, spec.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
		}
		var err error
		if n.Address, err = netip.ParseAddr(l.Address); err != nil {
			r.refuse("start its kubelet", "%s tells no InternalIP", l.Name)
			continue
		}
		if n.Address.Is6() {
			r.refuse("Slipway's pod network is IPv4 only so far", "%s has the IPv6 address %s", l.Name, n.Address)
		}
		r.cluster.Nodes = append(r.cluster.Nodes, n)
	}
}

// controlPlane is the control plane at that address, nil where there is none.
func (r *reading) controlPlane(a netip.Addr) *kube.LiveNode {
	i := slices.IndexFunc(r.live, func(l kube.LiveNode) bool { return l.ControlPlane && l.Address == a.String() })
	if i < 0 {
		return nil
	}
	return &r.live[i]
}

func (r *reading) ranges() {
	n := r.config.Networking
	r.cluster.Network.DNS = cmp.Or(n.DNSDomain, "cluster.local")
	r.cluster.Network.Pods = r.oneRange("podSubnet", n.PodSubnet)
	r.cluster.Network.Services = r.oneRange("serviceSubnet", n.ServiceSubnet)
}

func (r *reading) oneRange(name, text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	switch {
	case text == "":
		r.refuse("make a cluster with Slipway and move the workloads: the ranges of a cluster cannot be changed", "it has no %s, so that its nodes have no ranges of pods", name)
	case strings.Contains(text, ","):
		r.refuse("Slipway's clusters are of one family so far", "its %s is %s, of two families", name, text)
	case err != nil:
		r.refuse("see the ConfigMap kube-system/kubeadm-config", "its %s is %q, which is no range", name, text)
	case p.Addr().Is6():
		r.refuse("Slipway's pod network is IPv4 only so far", "its %s is %s", name, text)
	default:
		return p.Masked()
	}
	return netip.Prefix{}
}

func (r *reading) certificates() {
	for _, san := range r.config.APIServer.CertSANs {
		if host, _, _ := strings.Cut(r.config.ControlPlaneEndpoint, ":"); san != host {
			r.cluster.PKI.ExtraSANs = append(r.cluster.PKI.ExtraSANs, san)
		}
	}
	switch a := strings.ToLower(r.config.EncryptionAlgorithm); a {
	case "", "rsa-2048": // kubeadm's default; Slipway's is another
	case "rsa-3072", "rsa-4096", "ecdsa-p256":
		r.cluster.PKI.Algorithm = a
	default:
		r.tell("new certificates have ECDSA P-256 keys: Slipway makes none of the cluster's algorithm %s", r.config.EncryptionAlgorithm)
	}
	if d := r.config.CertificatesDir; d != "" && strings.TrimSuffix(d, "/") != layout.PKI {
		r.refuse("move it to "+layout.PKI+", which kubeadm's manifests name, too", "its certificates lie in %s", d)
	}
}
