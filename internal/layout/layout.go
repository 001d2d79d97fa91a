// Package layout says where on a machine a cluster's files lie: where kubeadm has them, so that every runbook and tool that knows
// kubeadm's clusters finds its way here.
package layout

// Of Kubernetes.
const (
	Kubernetes     = "/etc/kubernetes"
	Manifests      = Kubernetes + "/manifests" // of static pods, as POD.yaml
	PKI            = Kubernetes + "/pki"
	EtcdPKI        = PKI + "/etcd"
	AdminConf      = Kubernetes + "/admin.conf" // on control planes, for whoever is root there
	KubeletConf    = Kubernetes + "/kubelet.conf"
	Balancer       = Kubernetes + "/loadbalancer"
	Kubelet        = "/var/lib/kubelet"
	KubeletConfig  = Kubelet + "/config.yaml"
	KubeletPKI     = Kubelet + "/pki"
	Etcd           = "/var/lib/etcd"
	EtcdMember     = Etcd + "/member" // the data, which etcd makes itself
	PodNetworks    = "/etc/cni/net.d"
	Containerd     = "/var/lib/containerd"
	ContainerdConf = "/etc/containerd/config.toml"
)

// Of the machine's owner.
const (
	Programs = "/usr/local/bin"
	Units    = "/etc/systemd/system"
)

// Of Slipway.
const (
	Home     = "/var/lib/slipway"         // what it knows of the machine
	Removed  = "/var/lib/slipway-removed" // what cannot be made again, and was in the way
	Settings = "/etc/slipway"
)
