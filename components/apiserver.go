package components

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

const (
	auditPolicyPath    = "/etc/kubernetes/audit-policy.yaml"
	authenticationPath = "/etc/kubernetes/authentication.yaml"
	auditLogDir        = "/var/log/kubernetes/audit"
)

// apiserver is this control plane's API server with its audit policy, encryption at rest and authentication rules.
func (in *Input) apiserver(n spec.Node) ([]node.Resource, error) {
	if n.Role != spec.ControlPlane {
		return nil, nil
	}
	settings, err := in.apiserverSettings()
	if err != nil {
		return nil, err
	}
	address := n.Address.String()
	inputs := append(in.certFiles(n, pki.APIServer, pki.APIServerKubeletClient, pki.APIServerEtcdClient,
		pki.FrontProxyClient), settings...)
	pod := staticPod{
		name: "kube-apiserver", node: n.Name, image: in.Payload.Images["kube"], command: in.flagged(in.apiserverCommand(n)), cpu: "250m",
		mounts: []mount{
			{path: layout.PKI}, {path: auditLogDir, write: true},
			{path: auditPolicyPath, file: true}, {path: authenticationPath, file: true},
		},
		inputs:    inputs,
		liveness:  httpGet(corev1.URISchemeHTTPS, address, apiserverPort, "/livez"),
		readiness: httpGet(corev1.URISchemeHTTPS, address, apiserverPort, "/readyz"),
	}
	manifest, err := pod.resource()
	if err != nil {
		return nil, err
	}
	return append(append([]node.Resource{dir(auditLogDir, 0o700)}, settings...), manifest), nil
}

func (in *Input) apiserverCommand(n spec.Node) []string {
	c := in.Cluster
	return []string{
		"kube-apiserver",
		// Only the declared address: on machines with several interfaces the cluster's traffic stays on its own,
		// and the load balancer can listen on the same port of the shared address.
		"--bind-address=" + n.Address.String(),
		"--advertise-address=" + n.Address.String(),
		fmt.Sprintf("--secure-port=%d", apiserverPort),
		// It says first that it is not ready, and serves on until the balancers have seen it: they ask every second, and believe
		// the second answer.
		"--shutdown-delay-duration=3s",
		// Without it, one that stops waits for its watchers until it is killed after 30 s.
		"--shutdown-send-retry-after=true",
		"--allow-privileged=true",
		"--authorization-mode=Node,RBAC",
		"--authentication-config=" + authenticationPath,
		"--enable-admission-plugins=NodeRestriction",
		"--enable-bootstrap-token-auth=true",
		"--client-ca-file=" + layout.PKI + "/ca.crt",
		"--tls-cert-file=" + layout.PKI + "/apiserver.crt",
		"--tls-private-key-file=" + layout.PKI + "/apiserver.key",
		"--tls-min-version=VersionTLS12",
		"--etcd-servers=https://127.0.0.1:2379",
		"--etcd-cafile=" + layout.EtcdPKI + "/ca.crt",
		"--etcd-certfile=" + layout.PKI + "/apiserver-etcd-client.crt",
		"--etcd-keyfile=" + layout.PKI + "/apiserver-etcd-client.key",
		"--encryption-provider-config=" + pki.EncryptionPath,
		"--kubelet-certificate-authority=" + layout.PKI + "/ca.crt",
		"--kubelet-client-certificate=" + layout.PKI + "/apiserver-kubelet-client.crt",
		"--kubelet-client-key=" + layout.PKI + "/apiserver-kubelet-client.key",
		"--kubelet-preferred-address-types=InternalIP,Hostname",
		"--proxy-client-cert-file=" + layout.PKI + "/front-proxy-client.crt",
		"--proxy-client-key-file=" + layout.PKI + "/front-proxy-client.key",
		"--requestheader-client-ca-file=" + layout.PKI + "/front-proxy-ca.crt",
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-account-issuer=https://kubernetes.default.svc." + c.Network.DNS,
		"--service-account-key-file=" + layout.PKI + "/sa.pub",
		"--service-account-signing-key-file=" + layout.PKI + "/sa.key",
		"--service-cluster-ip-range=" + c.Network.Services.String(),
		"--service-node-port-range=" + c.Network.NodePorts,
		"--audit-policy-file=" + auditPolicyPath,
		"--audit-log-path=" + auditLogDir + "/audit.log",
		"--audit-log-maxage=30",
		"--audit-log-maxbackup=10",
		"--audit-log-maxsize=100",
		"--profiling=false",
		// Long-lived connections move to servers that came back, a few at a time.
		"--goaway-chance=0.001",
	}
}
