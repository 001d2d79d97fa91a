package components

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/slipway/slipway/internal/layout"
)

const flannelHealthPort = 10246 // loopback

// network is the pod network: flannel's backends under a main of our own, one pod per node.
func (in *Input) network() ([]runtime.Object, error) {
	n := in.Cluster.Network
	conf, err := json.MarshalIndent(map[string]any{
		"Network": n.Pods.String(), "EnableNFTables": n.Proxy == "nftables",
		"Backend": map[string]any{"Type": n.Backend},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	data := map[string]string{"net-conf.json": string(conf)}
	// Straight to the shared endpoint: waiting for kube-proxy and its Service address would make
	// every new node slower.
	host, port := in.sharedEndpoint()
	pod := corev1.PodSpec{
		ServiceAccountName: "flannel",
		Containers: []corev1.Container{{
			Name: "flannel", Image: in.ref("flannel"), ImagePullPolicy: corev1.PullNever,
			Command: []string{"/usr/local/bin/flannel", "--net-conf=/etc/flannel/net-conf.json", "--node-name=$(NODE_NAME)", "--node-ip=$(NODE_IP)",
				fmt.Sprintf("--healthz=127.0.0.1:%d", flannelHealthPort)},
			Env: []corev1.EnvVar{
				fieldEnv("NODE_NAME", "spec.nodeName"), fieldEnv("NODE_IP", "status.hostIP"),
				{Name: "KUBERNETES_SERVICE_HOST", Value: host}, {Name: "KUBERNETES_SERVICE_PORT", Value: fmt.Sprint(port)},
			},
			// Ready once pods of the node can start, so that a rolling update waits for one node before it takes the next.
			LivenessProbe:   probe(httpGet(corev1.URISchemeHTTP, "127.0.0.1", flannelHealthPort, "/healthz"), 10, 6),
			ReadinessProbe:  probe(httpGet(corev1.URISchemeHTTP, "127.0.0.1", flannelHealthPort, "/readyz"), 1, 3),
			Resources:       requests("50m", "50Mi"),
			SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "config", MountPath: "/etc/flannel"},
				{Name: "cni", MountPath: layout.PodNetworks},
				{Name: "run", MountPath: "/run/flannel"},
				{Name: "xtables-lock", MountPath: "/run/xtables.lock"},
			},
		}},
		Volumes: []corev1.Volume{
			configVolume("config", "flannel"),
			hostPath("cni", layout.PodNetworks, corev1.HostPathDirectoryOrCreate),
			hostPath("run", "/run/flannel", corev1.HostPathDirectoryOrCreate),
			hostPath("xtables-lock", "/run/xtables.lock", corev1.HostPathFileOrCreate),
		},
	}
	return []runtime.Object{
		serviceAccount("flannel"),
		clusterRole("flannel",
			rule("", []string{"nodes"}, "get", "list", "watch"),
			// Leases are annotations, written through the status. The nodes themselves, with their labels and
			// taints, are none of its business.
			rule("", []string{"nodes/status"}, "patch"),
		),
		bind("flannel", "flannel", account("flannel")),
		configMap("flannel", data),
		daemonSet("flannel", map[string]string{"k8s-app": "flannel"}, pod, in.inputsOf("flannel", data)),
	}, nil
}
