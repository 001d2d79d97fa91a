package bundle

import "slices"

// The roles of machines, as the spec names them.
const (
	controlPlane = "control-plane"
	worker       = "worker"
	loadBalancer = "load-balancer"
)

// recipe says what a bundle is made of.
type recipe struct {
	parts    []Part
	binaries []binaryRecipe
	images   []imageRecipe
	packages []string // Debian packages whose versions the manifest tells
}

type binaryRecipe struct {
	name  string
	part  string // that makes it; one that is many programs is chosen by the name it is called by
	roles []string
	image string // name of one whose layers hold the part; "" for a blob of its own
}

type imageRecipe struct {
	name       string
	version    string // name of the part or Debian package whose version is the image's
	roles      []string
	layers     []layer
	entrypoint []string
}

// recipeFor is the recipe of a real bundle.
func recipeFor(kubernetes string) (recipe, error) {
	parts, err := Parts(kubernetes)
	if err != nil {
		return recipe{}, err
	}
	return recipe{
		parts:    parts,
		binaries: binaries(),
		images:   images(),
		packages: []string{"haproxy", "keepalived", "nftables", "iptables", "conntrack"},
	}, nil
}

func binaries() []binaryRecipe {
	everywhere := []string{controlPlane, worker, loadBalancer}
	withPods := []string{controlPlane, worker}
	return []binaryRecipe{
		// What an image holds anyway is not sent again.
		{"kube", "kube", everywhere, "kube"}, // a load balancer has a kubelet for its static pods
		{"containerd", "containerd", everywhere, ""},
		{"containerd-shim-runc-v2", "containerd-shim-runc-v2", everywhere, ""},
		{"ctr", "ctr", everywhere, ""},
		{"runc", "runc", everywhere, ""},
		{"bridge", "bridge", withPods, ""},
		{"host-local", "host-local", withPods, ""},
		{"loopback", "loopback", withPods, ""},
		{"portmap", "portmap", withPods, ""},
		{"etcdctl", "etcd", []string{controlPlane}, "etcd"},
		{"etcdutl", "etcd", []string{controlPlane}, "etcd"},
	}
}

func images() []imageRecipe {
	everywhere := []string{controlPlane, worker, loadBalancer}
	withPods := []string{controlPlane, worker}
	kube := layer{parts: []string{"kube"}}
	// iptables is the nftables-backed one, as everywhere since Debian 10. Maintainer scripts, which
	// do not run here, would set these links.
	firewall := layer{debian: "kube-proxy", links: map[string]string{
		"usr/sbin/iptables": "xtables-nft-multi", "usr/sbin/iptables-save": "xtables-nft-multi", "usr/sbin/iptables-restore": "xtables-nft-multi",
		"usr/sbin/ip6tables": "xtables-nft-multi", "usr/sbin/ip6tables-save": "xtables-nft-multi", "usr/sbin/ip6tables-restore": "xtables-nft-multi",
	}}
	balancer := layer{debian: "loadbalancer", users: []string{"haproxy:99", "keepalived_script:98"}}
	return []imageRecipe{
		{"kube", "kube", everywhere, []layer{kube}, nil}, // of the kubelet, too
		// kube comes first in both, so that machines fetch and unpack it once.
		{"kube-proxy", "kube", withPods, []layer{kube, firewall}, []string{"/usr/local/bin/kube-proxy"}},
		{"etcd", "etcd", []string{controlPlane}, []layer{{parts: []string{"etcd"}}}, []string{"/usr/local/bin/etcd"}},
		{"pause", "pause", everywhere, []layer{{parts: []string{"pause"}}}, []string{"/usr/local/bin/pause"}},
		// It calls nft or iptables, so it brings the layer that kube-proxy has.
		{"flannel", "flannel", withPods, []layer{{parts: []string{"flannel"}}, firewall}, []string{"/usr/local/bin/flannel"}},
		{"coredns", "coredns", withPods, []layer{{parts: []string{"coredns"}}}, []string{"/usr/local/bin/coredns"}},
		{"metrics-server", "metrics-server", withPods, []layer{{parts: []string{"metrics-server"}}}, []string{"/usr/local/bin/metrics-server"}},
		{"loadbalancer", "haproxy", everywhere, []layer{balancer}, []string{"/usr/sbin/haproxy"}},
	}
}

// lists are the lists of Debian packages that r's images need, each once, in order.
func (r recipe) lists() (names []string) {
	for _, image := range r.images {
		for _, l := range image.layers {
			if l.debian != "" && !slices.Contains(names, l.debian) {
				names = append(names, l.debian)
			}
		}
	}
	return names
}
