# its controlPlaneEndpoint 10.0.0.11:6443 is cp-1 itself, without which nothing reached the API: each node gets a balancer of its own (load_balancer "node_local")
# flannel: Slipway's own DaemonSet kube-system/flannel takes the place of kube-flannel/kube-flannel-ds, over the same device and with the same ranges
cluster "kubernetes" {
  kubernetes = "1.36.3"
}

load_balancer "node_local" {
  port = 7443
}

network {
  pods     = "10.244.0.0/16"
  services = "10.96.0.0/12"
  proxy    = "iptables"
  backend  = "vxlan"
  dns      = "cluster.local"
}

pki {
  extra_sans = ["kube.example.com"]
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  taints  = ["node-role.kubernetes.io/control-plane:NoSchedule"]
}

node "cp-2" {
  role    = "control-plane"
  address = "10.0.0.12"
  taints  = []
}

node "cp-3" {
  role    = "control-plane"
  address = "10.0.0.13"
  taints  = []
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
  labels = {
    zone = "a"
  }
}
