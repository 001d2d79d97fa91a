//go:build bench

package test

import (
	"bytes"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// kubeadmPort is the balancer's: kubeadm's API servers listen on all addresses of their machine, so
// that 6443 is taken on the shared one too. Upstream's guide to HA clusters moves it in the same way.
const kubeadmPort = 8443

const kubeadmSysctls = `net.ipv4.ip_nonlocal_bind = 1
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
`

// kubeletUnit is upstream's unit with kubeadm's drop-in.
// https://github.com/kubernetes/release/tree/master/cmd/krel/templates/latest
const kubeletUnit = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Wants=network-online.target
After=network-online.target containerd.service
StartLimitIntervalSec=0

[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS
Restart=always
RestartSec=10

[Install]
WantedBy=multi-user.target
`

// forKubeadm fits a file of slipway's to kubeadm's cluster: the balancer's port is all that differs.
func (k *kubeadmSide) forKubeadm(content []byte) []byte {
	shared := k.c.net + ".100:"
	return bytes.ReplaceAll(content, []byte(shared+"6443"), fmt.Append(nil, shared, kubeadmPort))
}

// configure fixes what kubeadm is told here: the endpoint at the balancer's port, the rest as slipway's machines have it.
func (k *kubeadmSide) configure() {
	k.config = newKubeadmConfig(k.version, fmt.Sprintf("%s.100:%d", k.c.net, kubeadmPort))
	if bytes.Contains(k.files["cp-1"]["/etc/containerd/config.toml"], []byte("SystemdCgroup = true")) {
		k.config.driver = "systemd"
	}
}

// addons are the pod network and metrics-server as slipway applies them. kubeadm brings its own CoreDNS
// and kube-proxy. Its kubelets sign their serving certificates themselves, so metrics-server is told
// not to check them, as is usual there.
func (k *kubeadmSide) addons() (string, error) {
	declared, diags := spec.Load(filepath.Join(k.c.dir, "cluster.hcl"), spec.LoadOptions{})
	if diags.HasErrors() {
		return "", diags
	}
	if declared.LoadBalancer.Kind == spec.VIP {
		declared.Endpoint = netip.AddrPortFrom(declared.Endpoint.Addr(), kubeadmPort)
	}
	payload := components.Payload{Images: map[string]node.Image{}}
	for _, i := range k.bundle.Manifest().Images {
		payload.Images[i.Name] = *i.Resource().Image
	}
	objects, err := (&components.Input{Cluster: declared, Payload: payload}).Objects()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, o := range objects {
		if !strings.Contains(o.GetName(), "flannel") && !strings.Contains(o.GetName(), "metrics") {
			continue
		}
		if o.GetKind() == "Deployment" {
			if err := trustKubelets(o); err != nil {
				return "", err
			}
		}
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return "", err
		}
		out.WriteString("---\n" + string(text))
	}
	return out.String(), nil
}

func trustKubelets(deployment *unstructured.Unstructured) error {
	containers, found, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return fmt.Errorf("containers of %s: %w", deployment.GetName(), err)
	}
	if !found {
		return fmt.Errorf("%s has no containers", deployment.GetName())
	}
	container := containers[0].(map[string]any)
	command, _, err := unstructured.NestedStringSlice(container, "command")
	if err != nil {
		return err
	}
	command = slices.DeleteFunc(command, func(arg string) bool { return strings.HasPrefix(arg, "--kubelet-certificate-authority") })
	if err := unstructured.SetNestedStringSlice(container, append(command, "--kubelet-insecure-tls"), "command"); err != nil {
		return err
	}
	return unstructured.SetNestedSlice(deployment.Object, containers, "spec", "template", "spec", "containers")
}
