# api.example.com:6443 stays as it is: whatever holds it is yours to look after. When all is taken over, the endpoint can be given to Slipway: free the address, and write load_balancer "vip" {}
# flannel: Slipway's own DaemonSet kube-system/flannel takes the place of kube-flannel/kube-flannel-ds, over the same device and with the same ranges
cluster "kubernetes" {
  kubernetes = "1.36.3"
  endpoint   = "api.example.com:6443"
}

load_balancer "external" {
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
