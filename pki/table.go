package pki

import (
	"slices"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

// Names of the certificate authorities.
const (
	Kubernetes = "kubernetes"
	Etcd       = "etcd"
	FrontProxy = "front-proxy"
)

// Names of the leaf certificates. Those with a file are called as their path below /etc/kubernetes/pki.
const (
	APIServer              = "apiserver"
	APIServerKubeletClient = "apiserver-kubelet-client"
	APIServerEtcdClient    = "apiserver-etcd-client"
	FrontProxyClient       = "front-proxy-client"
	EtcdServer             = "etcd/server"
	EtcdPeer               = "etcd/peer"
	EtcdHealthcheckClient  = "etcd/healthcheck-client"
	ControllerManager      = "controller-manager"
	Scheduler              = "scheduler"
	Kubelet                = "kubelet"
	KubeletServing         = "kubelet-serving"
	Admin                  = "admin"
	SuperAdmin             = "super-admin"
)

// Where a node keeps what is not in the table's leaves.
const (
	ServiceAccountPath = layout.PKI + "/sa" // and .key, .pub
	EncryptionPath     = layout.PKI + "/encryption.yaml"
)

// Authority is one certificate authority.
type Authority struct {
	Name string
	CN   string
	Path string // on control planes, without .crt and .key
}

// Usage is what the holder of a leaf may do with it.
type Usage int

const (
	Client Usage = 1 << iota
	Server
)

// SANs is the rule by which a leaf's subject alternative names follow from cluster and node.
type SANs int

const (
	NoSANs      SANs = iota
	ServingSANs      // the node's name and address
	LoopSANs         // those, and loopback
	ServiceSANs      // those by which clients reach the API
)

// Leaf is one certificate of the table. Exactly one of Path and Kubeconfig is where the node keeps it;
// a leaf with neither is held by the operator alone.
type Leaf struct {
	Name       string
	CA         string // name of the Authority that signs it
	CN         string // ends in ":" where the node's name follows, "" for the node's name alone
	O          string
	Usage      Usage
	SANs       SANs
	Path       string // on the node, without .crt and .key
	Kubeconfig string // on the node, the file that embeds it
	Roles      []spec.Role
	Shared     bool // one for the whole cluster, instead of one for each node
}

// On reports whether a node of role r holds the leaf.
func (l Leaf) On(r spec.Role) bool { return slices.Contains(l.Roles, r) }

// Authorities lists the certificate authorities: kubeadm's names and paths.
func Authorities() []Authority {
	return []Authority{
		{Name: Kubernetes, CN: "kubernetes", Path: layout.PKI + "/ca"},
		{Name: Etcd, CN: "etcd-ca", Path: layout.EtcdPKI + "/ca"},
		{Name: FrontProxy, CN: "front-proxy-ca", Path: layout.PKI + "/front-proxy-ca"},
	}
}

// Table lists the leaves: those that kubeadm issues, with its subjects, usages and paths, and the kubelet's
// serving certificate, which kubeadm leaves to the kubelet to sign for itself.
//
// The API server's client certificate for kubelets carries no group. It gets its rights, as in kubeadm
// from 1.29 on, through a binding of its user to the ClusterRole system:kubelet-api-admin; so a stolen
// one cannot do anything else. In the same way admin is a member of kubeadm:cluster-admins, which a
// binding makes powerful and its removal makes powerless. Only super-admin bypasses authorization, and
// it is not kept on any machine but the operator's.
func Table() []Leaf {
	cp := []spec.Role{spec.ControlPlane}
	members := []spec.Role{spec.ControlPlane, spec.Worker}
	both := Client | Server // of etcd's: https://github.com/etcd-io/etcd/issues/9785
	return []Leaf{
		{Name: APIServer, CA: Kubernetes, CN: "kube-apiserver", Usage: Server, SANs: ServiceSANs, Path: layout.PKI + "/apiserver", Roles: cp},
		{Name: APIServerKubeletClient, CA: Kubernetes, CN: "kube-apiserver-kubelet-client", Usage: Client, Path: layout.PKI + "/apiserver-kubelet-client", Roles: cp},
		{Name: APIServerEtcdClient, CA: Etcd, CN: "kube-apiserver-etcd-client", Usage: Client, Path: layout.PKI + "/apiserver-etcd-client", Roles: cp},
		{Name: FrontProxyClient, CA: FrontProxy, CN: "front-proxy-client", Usage: Client, Path: layout.PKI + "/front-proxy-client", Roles: cp},
		{Name: EtcdServer, CA: Etcd, Usage: both, SANs: LoopSANs, Path: layout.EtcdPKI + "/server", Roles: cp},
		{Name: EtcdPeer, CA: Etcd, Usage: both, SANs: LoopSANs, Path: layout.EtcdPKI + "/peer", Roles: cp},
		{Name: EtcdHealthcheckClient, CA: Etcd, CN: "kube-etcd-healthcheck-client", Usage: Client, Path: layout.EtcdPKI + "/healthcheck-client", Roles: cp},
		{Name: ControllerManager, CA: Kubernetes, CN: "system:kube-controller-manager", Usage: Client, Kubeconfig: layout.Kubernetes + "/controller-manager.conf", Roles: cp},
		{Name: Scheduler, CA: Kubernetes, CN: "system:kube-scheduler", Usage: Client, Kubeconfig: layout.Kubernetes + "/scheduler.conf", Roles: cp},
		{Name: Kubelet, CA: Kubernetes, CN: "system:node:", O: "system:nodes", Usage: Client, Kubeconfig: layout.KubeletConf, Roles: members},
		{Name: KubeletServing, CA: Kubernetes, CN: "system:node:", O: "system:nodes", Usage: Server, SANs: ServingSANs, Path: layout.KubeletPKI + "/kubelet", Roles: members},
		{Name: Admin, CA: Kubernetes, CN: "kubernetes-admin", O: "kubeadm:cluster-admins", Usage: Client, Kubeconfig: layout.AdminConf, Roles: cp, Shared: true},
		{Name: SuperAdmin, CA: Kubernetes, CN: "kubernetes-super-admin", O: "system:masters", Usage: Client, Shared: true},
	}
}
