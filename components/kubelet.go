package components

import (
	"fmt"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletv1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/templates"
)

// How long a machine that is shut down waits for its pods, and the part of it that is kept for critical ones.
const (
	shutdownGrace         = time.Minute
	shutdownGraceCritical = 20 * time.Second
)

// kubelet is the node agent. On a load-balancer node it stands alone: it runs static pods and has no API server.
func (in *Input) kubelet(n spec.Node) ([]node.Resource, error) {
	config, err := encode(in.kubeletConfig(n))
	if err != nil {
		return nil, err
	}
	unit, err := templates.Render("kubelet.service", map[string]any{"Args": in.kubeletArgs(n)})
	if err != nil {
		return nil, err
	}
	binary, err := in.binary("kube", layout.Programs+"/kube")
	if err != nil {
		return nil, err
	}
	inputs := []node.Resource{
		binary,
		textFile(layout.KubeletConfig, 0o600, config),
		textFile(layout.Units+"/kubelet.service", 0o644, unit),
	}
	secrets, err := in.kubeletSecrets(n)
	if err != nil {
		return nil, err
	}
	inputs = append(append(inputs, secrets...), in.noOverrides(n, "kubelet.service")...)
	out := append([]node.Resource{dir(layout.Manifests, 0o700), logindDelay()}, inputs...)
	out = append(out, wrapper("kubelet"), wrapper("kubectl"))
	return append(out, node.Resource{Unit: &node.Unit{Name: "kubelet.service", RestartOn: ids(inputs)}}), nil
}

// logindDelay lets the kubelet hold up a shutdown for that long. The kubelet would write the same file, and have logind
// read it; but then nobody would remove it.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/nodeshutdown/systemd/inhibit_linux.go
func logindDelay() node.Resource {
	return textFile("/etc/systemd/logind.conf.d/99-kubelet.conf", 0o644,
		fmt.Appendf(nil, "# Kubelet logind override\n[Login]\nInhibitDelayMaxSec=%.0f\n", shutdownGrace.Seconds()))
}

// wrapper puts one program of the multi-call binary on the PATH under its own name.
func wrapper(name string) node.Resource {
	return textFile(layout.Programs+"/"+name, 0o755, []byte("#!/bin/sh\nexec "+layout.Programs+"/kube "+name+" \"$@\"\n"))
}

func (in *Input) kubeletArgs(n spec.Node) []string {
	args := []string{
		"--hostname-override=" + n.Name,
		"--node-ip=" + n.Address.String(),
	}
	if n.Role == spec.LoadBalancer {
		return args
	}
	args = append(args, "--kubeconfig="+layout.KubeletConf)
	if labels := selfLabels(n); labels != "" {
		args = append(args, "--node-labels="+labels)
	}
	return args
}

// OwnLabel reports whether a kubelet may give itself a label of this key when it registers; NodeRestriction forbids it the
// rest of the kubernetes.io names, which are set through the API.
func OwnLabel(key string) bool {
	domain, _, ok := strings.Cut(key, "/")
	return !ok || !strings.HasSuffix(domain, "kubernetes.io") && !strings.HasSuffix(domain, "k8s.io")
}

// selfLabels are those of n that its kubelet gives itself.
func selfLabels(n spec.Node) string {
	var pairs []string
	for k, v := range n.Labels {
		if OwnLabel(k) {
			pairs = append(pairs, k+"="+v)
		}
	}
	sort.Strings(pairs)
	return strings.Join(pairs, ",")
}

func (in *Input) kubeletConfig(n spec.Node) *kubeletv1.KubeletConfiguration {
	facts, c := in.Facts[n.Name], in.Cluster
	standalone := n.Role == spec.LoadBalancer
	config := &kubeletv1.KubeletConfiguration{
		TypeMeta:                    metav1.TypeMeta{APIVersion: "kubelet.config.k8s.io/v1beta1", Kind: "KubeletConfiguration"},
		StaticPodPath:               layout.Manifests,
		Address:                     n.Address.String(),
		ReadOnlyPort:                0,
		CgroupDriver:                "cgroupfs",
		FailCgroupV1:                ptr.To(false), // where the machine has version 1, preflight warns
		ResolverConfig:              ptr.To(facts.ResolvConf),
		ContainerRuntimeEndpoint:    "unix:///run/containerd/containerd.sock",
		TLSMinVersion:               "VersionTLS12",
		EvictionHard:                c.Kubelet.EvictionHard,
		MaxPods:                     int32(c.Kubelet.MaxPods),
		ImageGCHighThresholdPercent: optional(c.Kubelet.ImageGCHighThresholdPercent),
		ImageGCLowThresholdPercent:  optional(c.Kubelet.ImageGCLowThresholdPercent),
		SeccompDefault:              ptr.To(true),
		EnableDebugFlagsHandler:     ptr.To(true), // the name covers logs, exec and port-forward too
		EnableProfilingHandler:      ptr.To(false),
		// A reboot ends pods as they ask for it: first those of workloads, for which most allow half a minute, then what
		// the node itself runs on.
		ShutdownGracePeriod:             metav1.Duration{Duration: shutdownGrace},
		ShutdownGracePeriodCriticalPods: metav1.Duration{Duration: shutdownGraceCritical},
	}
	if systemdCgroup(facts) {
		config.CgroupDriver = "systemd"
	}
	config.Authentication.Anonymous.Enabled = ptr.To(false)
	config.Authentication.Webhook.Enabled = ptr.To(!standalone)
	if standalone {
		// Without an API server there is nobody to ask who may do what: so nobody is let in, by any means.
		config.Address = "127.0.0.1"
		config.Authorization.Mode = kubeletv1.KubeletAuthorizationModeAlwaysAllow
		return config
	}
	config.Authentication.X509.ClientCAFile = layout.PKI + "/ca.crt"
	config.Authorization.Mode = kubeletv1.KubeletAuthorizationModeWebhook
	if in.Joined {
		// It asked the cluster for its certificates, and does so again before they end.
		config.RotateCertificates, config.ServerTLSBootstrap = true, true
	} else {
		config.TLSCertFile = layout.KubeletPKI + "/kubelet.crt"
		config.TLSPrivateKeyFile = layout.KubeletPKI + "/kubelet.key"
	}
	config.ClusterDNS = []string{in.DNSAddress().String()}
	config.ClusterDomain = c.Network.DNS
	config.RegisterWithTaints = in.Taints(n)
	return config
}

// Taints are the node's own. Where the file says nothing of them, a control plane beside workers has the
// usual one, which keeps workloads off.
func (in *Input) Taints(n spec.Node) []corev1.Taint {
	if n.Taints == nil && n.Role == spec.ControlPlane && len(in.Cluster.Workers()) > 0 {
		return []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}
	}
	var out []corev1.Taint
	for _, t := range n.Taints {
		out = append(out, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
	}
	return out
}

func optional(n int) *int32 {
	if n == 0 {
		return nil
	}
	return ptr.To(int32(n))
}
