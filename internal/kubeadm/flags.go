package kubeadm

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway/slipway/internal/layout"
)

// hasKubeVIP reports whether the pod moves an address between the control planes.
func hasKubeVIP(p corev1.Pod) bool {
	return slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return strings.Contains(c.Image, "kube-vip") })
}

// usual are the flags that kubeadm sets by itself: Slipway says the same, or its own.
func usual(component string) []string {
	shared := []string{"kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig", "bind-address", "leader-elect", "client-ca-file", "requestheader-client-ca-file", "profiling"}
	switch component {
	case "kube-apiserver":
		return append(shared, "advertise-address", "allow-privileged", "enable-bootstrap-token-auth", "etcd-cafile", "etcd-certfile", "etcd-keyfile",
			"kubelet-client-certificate", "kubelet-client-key", "kubelet-preferred-address-types", "proxy-client-cert-file", "proxy-client-key-file",
			"requestheader-allowed-names", "requestheader-extra-headers-prefix", "requestheader-group-headers", "requestheader-username-headers",
			"tls-cert-file", "tls-private-key-file", "service-cluster-ip-range", "kubelet-certificate-authority")
	case "kube-controller-manager":
		return append(shared, "allocate-node-cidrs", "cluster-cidr", "cluster-name", "cluster-signing-cert-file", "cluster-signing-key-file",
			"root-ca-file", "service-account-private-key-file", "service-cluster-ip-range", "use-service-account-credentials")
	case "etcd":
		return []string{"advertise-client-urls", "cert-file", "client-cert-auth", "initial-advertise-peer-urls", "initial-cluster", "initial-cluster-state",
			"key-file", "listen-client-urls", "listen-metrics-urls", "listen-peer-urls", "peer-cert-file", "peer-client-cert-auth", "peer-key-file",
			"peer-trusted-ca-file", "snapshot-count", "trusted-ca-file", "feature-gates", "experimental-initial-corrupt-check", "watch-progress-notify-interval",
			"experimental-watch-progress-notify-interval"}
	}
	return shared
}

// weighty are flags without which the cluster would not be the same: objects could not be read, or people and pods would be
// let in or kept out otherwise than before. A trailing * stands for any rest.
func weighty() []string {
	return []string{"encryption-provider-config*", "etcd-prefix", "storage-backend", "feature-gates", "runtime-config", "oidc-*", "authentication-*", "authorization-*", "token-auth-file",
		"admission-control-config-file", "disable-admission-plugins", "service-account-*", "cloud-*", "cluster-signing-*", "config", "tracing-config-file", "egress-selector-config-file", "peer-*", "auth-token", "auto-tls"}
}

// flags looks at the control planes' pods as they run: what was set in kubeadm's configuration and what somebody wrote into a
// manifest by hand is all there.
func (r *reading) flags() {
	if r.config.Etcd.External != nil {
		r.refuse("Slipway's etcd runs on the control planes: move it there first", "its etcd is external, at %s", strings.Join(r.config.Etcd.External.Endpoints, ", "))
	}
	for _, p := range r.system {
		component := p.Labels["component"]
		if p.Labels["tier"] != "control-plane" || !slices.Contains([]string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}, component) {
			continue
		}
		for _, c := range p.Spec.Containers {
			for _, word := range append(slices.Clone(c.Command), c.Args...) {
				if name, value, ok := strings.Cut(strings.TrimPrefix(word, "--"), "="); strings.HasPrefix(word, "--") {
					if !ok {
						value = "true"
					}
					r.flag(component, p.Spec.NodeName, name, value)
				}
			}
			for _, e := range c.Env {
				r.tell("%s: the variable %s of the environment is not set by Slipway", component, e.Name)
			}
		}
	}
}

// flag judges one flag. Those whose value matters come first.
func (r *reading) flag(component, node, name, value string) {
	expect := func(want string) {
		if value != want {
			r.refuse("set it back, as kubeadm does by itself", "%s has --%s=%s, and Slipway's has %s", component, name, value, want)
		}
	}
	switch component + " " + name {
	case "kube-apiserver secure-port":
		expect(strconv.Itoa(apiPort))
	case "kube-apiserver etcd-servers":
		expect("https://127.0.0.1:2379")
	case "kube-apiserver authorization-mode":
		expect("Node,RBAC")
	case "kube-apiserver enable-admission-plugins":
		expect("NodeRestriction")
	case "kube-apiserver service-account-issuer":
		expect("https://kubernetes.default.svc." + r.cluster.Network.DNS)
	case "kube-apiserver service-account-key-file":
		expect(layout.PKI + "/sa.pub")
	case "kube-apiserver service-account-signing-key-file":
		expect(layout.PKI + "/sa.key")
	case "kube-apiserver service-node-port-range":
		r.cluster.Network.NodePorts = value
	case "kube-controller-manager controllers":
		expect("*,bootstrapsigner,tokencleaner")
	case "kube-controller-manager node-cidr-mask-size", "kube-controller-manager node-cidr-mask-size-ipv4":
		expect("24")
	case "etcd name":
		expect(node)
	case "etcd data-dir":
		expect(layout.Etcd)
	case "etcd quota-backend-bytes":
		r.quota(value)
	default:
		r.otherFlag(component, name, value)
	}
}

func (r *reading) otherFlag(component, name, value string) {
	matches := func(pattern string) bool {
		rest, open := strings.CutSuffix(pattern, "*")
		return name == pattern || open && strings.HasPrefix(name, rest)
	}
	switch {
	case slices.Contains(usual(component), name):
	case slices.ContainsFunc(weighty(), matches):
		r.refuse("Slipway has no setting for it: undo it in the cluster first, where that can be", "%s has --%s=%s, without which the cluster would not be the same", component, name, value)
	default:
		r.tell("%s: --%s=%s is not set by Slipway", component, name, value)
	}
}

func (r *reading) quota(value string) {
	n, err := strconv.ParseInt(value, 10, 64)
	if gib := n >> 30; err == nil && gib<<30 == n && gib >= 2 && gib <= 8 {
		r.cluster.Etcd.QuotaBytes = n
		return
	}
	r.tell("etcd: --quota-backend-bytes=%s becomes 8 GiB: a quota is of 2 to 8 whole GiB", value)
}
