package components

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	api "k8s.io/client-go/tools/clientcmd/api"
	proxyv1 "k8s.io/kube-proxy/config/v1alpha1"
	"k8s.io/utils/ptr"
)

// kubeProxy makes Services reachable on every node. Its settings name the API server by the shared
// endpoint, since the Service address that pods use works only once kube-proxy does.
func (in *Input) kubeProxy() ([]runtime.Object, error) {
	config, err := encode(in.kubeProxyConfig())
	if err != nil {
		return nil, err
	}
	kubeconfig, err := clientcmd.Write(api.Config{
		Clusters: map[string]*api.Cluster{"default": {
			Server: in.sharedServer(), CertificateAuthority: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
		}},
		AuthInfos:      map[string]*api.AuthInfo{"default": {TokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token"}},
		Contexts:       map[string]*api.Context{"default": {Cluster: "default", AuthInfo: "default", Namespace: "default"}},
		CurrentContext: "default",
	})
	if err != nil {
		return nil, err
	}
	data := map[string]string{"config.conf": string(config), "kubeconfig.conf": string(kubeconfig)}
	pod := corev1.PodSpec{
		ServiceAccountName: "kube-proxy",
		Containers: []corev1.Container{{
			Name: "kube-proxy", Image: in.ref("kube-proxy"), ImagePullPolicy: corev1.PullNever,
			Command:         []string{"/usr/local/bin/kube", "kube-proxy", "--config=/var/lib/kube-proxy/config.conf", "--hostname-override=$(NODE_NAME)"},
			Env:             []corev1.EnvVar{fieldEnv("NODE_NAME", "spec.nodeName")},
			Resources:       requests("50m", "64Mi"),
			SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "config", MountPath: "/var/lib/kube-proxy"},
				{Name: "xtables-lock", MountPath: "/run/xtables.lock"},
			},
		}},
		Volumes: []corev1.Volume{
			configVolume("config", "kube-proxy"),
			hostPath("xtables-lock", "/run/xtables.lock", corev1.HostPathFileOrCreate),
		},
	}
	if in.Cluster.Network.Proxy == "ipvs" { // the one mode that asks for modules by itself
		pod.Volumes = append(pod.Volumes, hostPath("modules", "/lib/modules", corev1.HostPathUnset))
		mounts := &pod.Containers[0].VolumeMounts
		*mounts = append(*mounts, corev1.VolumeMount{Name: "modules", MountPath: "/lib/modules", ReadOnly: true})
	}
	return []runtime.Object{
		serviceAccount("kube-proxy"),
		bind("kubeadm:node-proxier", "system:node-proxier", account("kube-proxy")),
		configMap("kube-proxy", data),
		daemonSet("kube-proxy", map[string]string{"k8s-app": "kube-proxy"}, pod, in.inputsOf("kube-proxy", data)),
	}, nil
}

func (in *Input) kubeProxyConfig() *proxyv1.KubeProxyConfiguration {
	zero := metav1.Duration{}
	config := &proxyv1.KubeProxyConfiguration{
		TypeMeta:           typeMeta("kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"),
		Mode:               proxyv1.ProxyMode(in.Cluster.Network.Proxy),
		ClusterCIDR:        in.Cluster.Network.Pods.String(),
		BindAddress:        "0.0.0.0",
		MetricsBindAddress: "127.0.0.1:10249",
		// Zero means hands off: Slipway sets the machine's connection tracking itself, and in a network
		// namespace that is not the first one kube-proxy would fail at it.
		Conntrack: proxyv1.KubeProxyConntrackConfiguration{
			MaxPerCore: ptr.To(int32(0)), Min: ptr.To(int32(0)), TCPEstablishedTimeout: &zero, TCPCloseWaitTimeout: &zero,
		},
		ConfigSyncPeriod: metav1.Duration{Duration: 15 * time.Minute},
	}
	config.ClientConnection.Kubeconfig = "/var/lib/kube-proxy/kubeconfig.conf"
	return config
}
