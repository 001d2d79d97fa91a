// Package kubeadm reads clusters that kubeadm made, and says them as Slipway's file says a cluster: as far as that can be,
// with what cannot be followed told by name.
package kubeadm

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/kube"
)

const (
	// ConfigName is the ConfigMap in kube-system by which kubeadm knows its cluster.
	ConfigName = "kubeadm-config"

	kubeletConfigName = "kubelet-config"
	proxyName         = "kube-proxy"
	dnsName           = "coredns"
)

// Found is a cluster of kubeadm's as its API tells of it.
type Found struct {
	config      configuration
	kubelet     map[string]any
	proxy       map[string]any
	corefile    string
	flannelConf string
	live        []kube.LiveNode
	nodes       []corev1.Node
	system      []corev1.Pod // of kube-system
	daemons     []appsv1.DaemonSet
	deployments []appsv1.Deployment
}

// configuration is what of kubeadm's ClusterConfiguration says more than the manifests: v1beta3 and v1beta4 agree on it.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kubeadm/app/apis/kubeadm/v1beta4/types.go
type configuration struct {
	ClusterName          string `json:"clusterName"`
	KubernetesVersion    string `json:"kubernetesVersion"`
	ControlPlaneEndpoint string `json:"controlPlaneEndpoint"`
	CertificatesDir      string `json:"certificatesDir"`
	EncryptionAlgorithm  string `json:"encryptionAlgorithm"`
	Networking           struct {
		PodSubnet     string `json:"podSubnet"`
		ServiceSubnet string `json:"serviceSubnet"`
		DNSDomain     string `json:"dnsDomain"`
	} `json:"networking"`
	APIServer struct {
		CertSANs []string `json:"certSANs"`
	} `json:"apiServer"`
	Etcd struct {
		External *struct {
			Endpoints []string `json:"endpoints"`
		} `json:"external"`
	} `json:"etcd"`
}

// Read asks the cluster's API. It is nil where the cluster was not made by kubeadm.
func Read(ctx context.Context, client *kube.Client) (*Found, error) {
	f := &Found{kubelet: map[string]any{}, proxy: map[string]any{}}
	text, err := configMap(ctx, client, metav1.NamespaceSystem, ConfigName, "ClusterConfiguration")
	if err != nil || text == "" {
		return nil, err
	}
	if err := yaml.Unmarshal([]byte(text), &f.config); err != nil {
		return nil, fmt.Errorf("ConfigMap %s: %w", ConfigName, err)
	}
	for _, part := range []struct {
		name, key string
		into      any
	}{{kubeletConfigName, "kubelet", &f.kubelet}, {proxyName, "config.conf", &f.proxy}} {
		text, err := configMap(ctx, client, metav1.NamespaceSystem, part.name, part.key)
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal([]byte(text), part.into); err != nil {
			return nil, fmt.Errorf("ConfigMap %s: %w", part.name, err)
		}
	}
	if f.corefile, err = configMap(ctx, client, metav1.NamespaceSystem, dnsName, "Corefile"); err != nil {
		return nil, err
	}
	if f.live, err = client.LiveNodes(ctx); err != nil {
		return nil, err
	}
	return f, f.list(ctx, client)
}

func (f *Found) list(ctx context.Context, client *kube.Client) error {
	nodes, err := client.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	pods, err := client.Typed.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	daemons, err := client.Typed.AppsV1().DaemonSets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list DaemonSets: %w", err)
	}
	deployments, err := client.Typed.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list Deployments: %w", err)
	}
	f.nodes, f.system, f.daemons, f.deployments = nodes.Items, pods.Items, daemons.Items, deployments.Items
	if d := Flannel(f.daemons); d != nil {
		f.flannelConf, err = configMap(ctx, client, d.Namespace, "kube-flannel-cfg", "net-conf.json")
	}
	return err
}

// configMap is one key of a ConfigMap, "" where there is none.
func configMap(ctx context.Context, client *kube.Client, namespace, name, key string) (string, error) {
	m, err := client.Typed.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read ConfigMap %s/%s: %w", namespace, name, err)
	}
	return m.Data[key], nil
}

// Flannel is the DaemonSet of upstream's flannel, nil where there is none.
func Flannel(daemons []appsv1.DaemonSet) *appsv1.DaemonSet {
	i := slices.IndexFunc(daemons, func(d appsv1.DaemonSet) bool { return d.Name == "kube-flannel-ds" || d.Name == "kube-flannel" })
	if i < 0 {
		return nil
	}
	return &daemons[i]
}
