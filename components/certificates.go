package components

import (
	"fmt"
	"path"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// certificates are the node's files of the PKI, in kubeadm's layout. Those that live inside a
// kubeconfig belong to the component that uses it.
func (in *Input) certificates(n spec.Node) ([]node.Resource, error) {
	out := []node.Resource{dir(layout.PKI, 0o755), in.caFile()}
	if n.Role == spec.ControlPlane {
		out = append(out, dir(layout.EtcdPKI, 0o755))
		out = append(out, in.authorityFiles()...)
	}
	if in.Joined {
		return out, nil
	}
	leaves := in.Certs.Node(n.Name)
	for _, leaf := range pki.Table() {
		if leaf.Path == "" || !leaf.On(n.Role) {
			continue
		}
		pair, ok := leaves[leaf.Name]
		if !ok {
			return nil, fmt.Errorf("no certificate %q was issued", leaf.Name)
		}
		out = append(out, pairFiles(leaf.Path, pair)...)
	}
	if n.Role != spec.ControlPlane {
		return out, nil
	}
	admin, err := in.kubeconfig(n, pki.Admin)
	return append(out, admin), err
}

// caFile is the cluster's authority, which every node trusts.
func (in *Input) caFile() node.Resource {
	return textFile(layout.PKI+"/ca.crt", 0o644, in.Certs.CA(pki.Kubernetes).Cert)
}

// authorityFiles are the authorities with their keys and the service accounts' key pair, for control planes.
func (in *Input) authorityFiles() []node.Resource {
	var out []node.Resource
	for _, a := range pki.Authorities() {
		pair := in.Certs.CA(a.Name)
		if a.Name != pki.Kubernetes {
			out = append(out, textFile(a.Path+".crt", 0o644, pair.Cert))
		}
		out = append(out, secretFile(a.Path+".key", pair.Key))
	}
	return append(out,
		textFile(pki.ServiceAccountPath+".pub", 0o644, in.Certs.ServiceAccount.Cert),
		secretFile(pki.ServiceAccountPath+".key", in.Certs.ServiceAccount.Key))
}

func pairFiles(path string, pair pki.KeyPair) []node.Resource {
	return []node.Resource{textFile(path+".crt", 0o644, pair.Cert), secretFile(path+".key", pair.Key)}
}

// certFiles are the files of the named leaves, with all authorities: what a pod must be restarted for.
func (in *Input) certFiles(n spec.Node, names ...string) []node.Resource {
	out := append(in.authorityFiles(), in.caFile())
	leaves := in.Certs.Node(n.Name)
	for _, leaf := range pki.Table() {
		for _, name := range names {
			if leaf.Name == name {
				out = append(out, pairFiles(leaf.Path, leaves[name])...)
			}
		}
	}
	return out
}

// kubeconfig is the file in which the named leaf goes to the node.
func (in *Input) kubeconfig(n spec.Node, name string) (node.Resource, error) {
	for _, leaf := range pki.Table() {
		if leaf.Name != name || leaf.Kubeconfig == "" {
			continue
		}
		pair, ok := in.Certs.Node(n.Name)[name]
		if !ok {
			return node.Resource{}, fmt.Errorf("no certificate %q was issued", name)
		}
		user := path.Base(leaf.Kubeconfig)
		text, err := pki.Kubeconfig(in.Cluster.Name, in.Server(n), in.Certs.CA(pki.Kubernetes).Cert, user[:len(user)-len(".conf")], pair)
		if err != nil {
			return node.Resource{}, fmt.Errorf("kubeconfig %s: %w", name, err)
		}
		return secretFile(leaf.Kubeconfig, text), nil
	}
	return node.Resource{}, fmt.Errorf("no certificate %q goes into a kubeconfig", name)
}

// kubeletSecrets are what the kubelet must be restarted for when it changes. A standalone kubelet has no identity.
func (in *Input) kubeletSecrets(n spec.Node) ([]node.Resource, error) {
	if n.Role == spec.LoadBalancer {
		return nil, nil
	}
	if in.Joined {
		text, err := pki.RenewingKubeconfig(in.Cluster.Name, in.Server(n), in.Certs.CA(pki.Kubernetes).Cert, KubeletClientCurrent)
		return []node.Resource{textFile(layout.KubeletConf, 0o600, text)}, err
	}
	kubeconfig, err := in.kubeconfig(n, pki.Kubelet)
	return []node.Resource{kubeconfig}, err
}

// KubeletClientCurrent is where a kubelet that renews its client certificate keeps it, certificate and key in one file.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/certificate/kubelet.go
const KubeletClientCurrent = layout.KubeletPKI + "/kubelet-client-current.pem"
