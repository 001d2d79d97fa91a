package components

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// controllerManager runs Kubernetes' controllers against this node's own API server; one of all leads.
func (in *Input) controllerManager(n spec.Node) ([]node.Resource, error) {
	if n.Role != spec.ControlPlane {
		return nil, nil
	}
	kubeconfig, err := in.kubeconfig(n, pki.ControllerManager)
	if err != nil {
		return nil, err
	}
	c, path := in.Cluster, kubeconfig.File.Path
	pod := staticPod{
		name: "kube-controller-manager", node: n.Name, image: in.Payload.Images["kube"], cpu: "200m",
		mounts: []mount{{path: layout.PKI}, {path: path, file: true}},
		inputs: append(in.certFiles(n), kubeconfig),
		command: in.flagged([]string{
			"kube-controller-manager",
			"--kubeconfig=" + path,
			"--authentication-kubeconfig=" + path,
			"--authorization-kubeconfig=" + path,
			"--bind-address=127.0.0.1",
			"--client-ca-file=" + layout.PKI + "/ca.crt",
			"--requestheader-client-ca-file=" + layout.PKI + "/front-proxy-ca.crt",
			"--root-ca-file=" + layout.PKI + "/ca.crt",
			"--service-account-private-key-file=" + layout.PKI + "/sa.key",
			"--cluster-signing-cert-file=" + layout.PKI + "/ca.crt",
			"--cluster-signing-key-file=" + layout.PKI + "/ca.key",
			"--cluster-name=" + c.Name,
			"--cluster-cidr=" + c.Network.Pods.String(),
			"--service-cluster-ip-range=" + c.Network.Services.String(),
			"--allocate-node-cidrs=true",
			"--controllers=*,bootstrapsigner,tokencleaner",
			"--use-service-account-credentials=true",
			"--leader-elect=true",
			// A token for each of the forty controllers is asked for one after the other before any of them starts:
			// with the default of 20 requests per second, that alone takes seconds whenever another one leads.
			"--kube-api-qps=100",
			"--kube-api-burst=200",
			"--profiling=false",
		}),
		liveness: httpGet(corev1.URISchemeHTTPS, "127.0.0.1", 10257, "/healthz"),
	}
	manifest, err := pod.resource()
	return []node.Resource{kubeconfig, manifest}, err
}

// scheduler places pods; one of all leads.
func (in *Input) scheduler(n spec.Node) ([]node.Resource, error) {
	if n.Role != spec.ControlPlane {
		return nil, nil
	}
	kubeconfig, err := in.kubeconfig(n, pki.Scheduler)
	if err != nil {
		return nil, err
	}
	path := kubeconfig.File.Path
	pod := staticPod{
		name: "kube-scheduler", node: n.Name, image: in.Payload.Images["kube"], cpu: "100m",
		mounts: []mount{{path: path, file: true}},
		inputs: []node.Resource{kubeconfig},
		command: in.flagged([]string{
			"kube-scheduler",
			"--kubeconfig=" + path,
			"--authentication-kubeconfig=" + path,
			"--authorization-kubeconfig=" + path,
			"--bind-address=127.0.0.1",
			"--leader-elect=true",
			"--profiling=false",
		}),
		liveness:  httpGet(corev1.URISchemeHTTPS, "127.0.0.1", 10259, "/livez"),
		readiness: httpGet(corev1.URISchemeHTTPS, "127.0.0.1", 10259, "/readyz"),
	}
	manifest, err := pod.resource()
	return []node.Resource{kubeconfig, manifest}, err
}
