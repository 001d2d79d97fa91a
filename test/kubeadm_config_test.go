//go:build lab || bench

package test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// kubeadmConfig is what kubeadm is told on the machines that it makes one cluster of.
type kubeadmConfig struct {
	version    string // of Kubernetes
	endpoint   string // host:port
	driver     string // of cgroups
	token, key string // the key is that of the certificates which further control planes fetch
	hash       string // of the authority; init tells it
	cluster    string // more lines of ClusterConfiguration
	kubelet    string // more lines of KubeletConfiguration
}

func newKubeadmConfig(version, endpoint string) *kubeadmConfig {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token := strings.ToLower(rand.Text()[:6] + "." + rand.Text()[:16])
	return &kubeadmConfig{version: version, endpoint: endpoint, driver: "cgroupfs", token: token, key: hex.EncodeToString(raw)}
}

// init is the file for kubeadm init on cp-1.
func (k *kubeadmConfig) init(c *cluster) string {
	return fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens: [{token: %q, ttl: 2h0m0s}]
certificateKey: %q
localAPIEndpoint: {advertiseAddress: %s}
%s---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v%s
controlPlaneEndpoint: %s
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
%s---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: %s
failCgroupV1: false
evictionHard: {memory.available: 100Mi, nodefs.available: 2%%, imagefs.available: 2%%}
imageGCHighThresholdPercent: 98
imageGCLowThresholdPercent: 97
%s---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, k.token, k.key, c.at("cp-1"), registration(c, "cp-1"), k.version, k.endpoint, k.cluster, k.driver, k.kubelet)
}

// join is the file for kubeadm join on any other machine.
func (k *kubeadmConfig) join(c *cluster, machine string) string {
	config := fmt.Sprintf(`apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {token: %q, apiServerEndpoint: %q, caCertHashes: [%q]}
%s`, k.token, k.endpoint, k.hash, registration(c, machine))
	if strings.HasPrefix(machine, "cp-") {
		config += fmt.Sprintf("controlPlane: {certificateKey: %q, localAPIEndpoint: {advertiseAddress: %s}}\n", k.key, c.at(machine))
	}
	return config
}

// registration is what init and join both say of a machine. Warnings about the lab (cgroup version 1, few processors) must not
// stop it; what is really missing shows at once anyway.
func registration(c *cluster, machine string) string {
	return `nodeRegistration:
  name: ` + machine + `
  criSocket: unix:///run/containerd/containerd.sock
  imagePullPolicy: Never
  ignorePreflightErrors: [all]
  kubeletExtraArgs: [{name: node-ip, value: ` + c.at(machine) + `}]
`
}

var caHash = regexp.MustCompile(`--discovery-token-ca-cert-hash (sha256:[0-9a-f]{64})`)

// learn takes the authority's hash from what kubeadm init said, which also holds the token and is no text for an error.
func (k *kubeadmConfig) learn(said string) error {
	found := caHash.FindStringSubmatch(said)
	if found == nil {
		return errors.New("kubeadm init does not tell the hash of its authority")
	}
	k.hash = found[1]
	return nil
}

// at is the address of a machine of the lab.
func (c *cluster) at(machine string) string { return c.net + "." + lastOctet(machine) }

// lastOctet is 11 for cp-1, 21 for w-1.
func lastOctet(machine string) string {
	kind, n, _ := strings.Cut(machine, "-")
	return map[string]string{"cp": "1", "w": "2"}[kind] + n
}
