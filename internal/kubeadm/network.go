package kubeadm

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// others are pod networks that Slipway does not run, by words in the names of their DaemonSets.
func others() map[string]string {
	return map[string]string{"calico": "Calico", "canal": "Canal", "cilium": "Cilium", "weave": "Weave Net", "kube-router": "kube-router", "antrea": "Antrea",
		"ovn": "OVN-Kubernetes", "kindnet": "kindnet", "aws-node": "the AWS VPC network", "multus": "Multus"}
}

// podNetwork takes over flannel, which Slipway runs as well, as far as its backends go.
func (r *reading) podNetwork() {
	const remedy = "Slipway runs flannel's vxlan and host-gw only: make a new cluster with slipway apply and move the workloads"
	r.cluster.Network.Backend = "vxlan"
	for _, d := range r.daemons {
		for word, name := range others() {
			if strings.Contains(d.Name, word) {
				r.refuse(remedy, "its pod network is %s (DaemonSet %s/%s)", name, d.Namespace, d.Name)
				return
			}
		}
	}
	d := Flannel(r.daemons)
	if d == nil {
		r.refuse(remedy, "its pod network is unknown: there is no DaemonSet kube-flannel-ds")
		return
	}
	var conf struct {
		Network     string         `json:"Network"`
		EnableIPv6  bool           `json:"EnableIPv6"`
		Backend     map[string]any `json:"Backend"`
		SubnetLen   int            `json:"SubnetLen"`
		IPv6Network string         `json:"IPv6Network"`
	}
	if err := json.Unmarshal([]byte(r.flannelConf), &conf); err != nil {
		r.refuse("see its ConfigMap kube-flannel-cfg", "flannel's configuration cannot be read: %v", err)
		return
	}
	if p, err := netip.ParsePrefix(conf.Network); r.cluster.Network.Pods.IsValid() && (err != nil || p.Masked() != r.cluster.Network.Pods) {
		r.refuse("write the same range in both", "flannel's network is %q, and the podSubnet %s", conf.Network, r.cluster.Network.Pods)
	}
	if conf.EnableIPv6 || conf.IPv6Network != "" {
		r.refuse("Slipway's clusters are of one family so far", "flannel carries IPv6")
	}
	backend, _ := conf.Backend["Type"].(string)
	if backend != "vxlan" && backend != "host-gw" {
		r.refuse(remedy, "flannel's backend is %q", backend)
		return
	}
	r.cluster.Network.Backend = backend
	r.backendSettings(conf.Backend)
	r.tell("flannel: Slipway's own DaemonSet kube-system/flannel takes the place of %s/%s, over the same device and with the same ranges", d.Namespace, d.Name)
}

// backendSettings refuses a network that nodes with Slipway's agent could not speak with the others in.
func (r *reading) backendSettings(backend map[string]any) {
	usual := map[string]float64{"VNI": 1, "Port": 8472}
	for _, key := range slices.Sorted(maps.Keys(backend)) {
		value := backend[key]
		if n, isNumber := value.(float64); key == "Type" || empty(value) || isNumber && n == usual[key] {
			continue
		}
		r.refuse("Slipway's flannel has the usual settings: set it back first", "flannel's backend has %s: %s", key, shown(value))
	}
}

// addons are Deployments that Slipway has under the same names, which it can take over if they choose their pods by the same labels.
func (r *reading) addons() {
	for _, d := range r.deployments {
		label, ours := map[string]string{dnsName: "kube-dns", "metrics-server": "metrics-server"}[d.Name]
		switch {
		case !ours || d.Name == dnsName && d.Namespace != metav1.NamespaceSystem:
		case d.Namespace != metav1.NamespaceSystem:
			r.refuse("uninstall it: Slipway brings its own", "metrics-server runs in the namespace %s", d.Namespace)
		case !selects(d, label):
			r.refuse("uninstall it, by the means that it was installed by: Slipway brings its own", "the Deployment kube-system/%s chooses its pods by other labels than k8s-app=%s, which cannot be changed", d.Name, label)
		}
	}
	if usual := strings.ReplaceAll(usualCorefile, "DOMAIN", r.cluster.Network.DNS); strings.Join(strings.Fields(r.corefile), " ") != strings.Join(strings.Fields(usual), " ") {
		r.tell("CoreDNS: its Corefile (ConfigMap kube-system/coredns) is not the one that kubeadm writes, and Slipway's takes its place: what was added to it, such as zones of your own, ends")
	}
}

func selects(d appsv1.Deployment, app string) bool {
	s := d.Spec.Selector
	return s != nil && len(s.MatchExpressions) == 0 && maps.Equal(s.MatchLabels, map[string]string{"k8s-app": app})
}

// usualCorefile is https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kubeadm/app/phases/addons/dns/manifests.go
const usualCorefile = `
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes DOMAIN in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success DOMAIN
       disable denial DOMAIN
    }
    loop
    reload
    loadbalance
}
`
