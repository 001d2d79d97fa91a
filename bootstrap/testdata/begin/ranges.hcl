cluster "kubernetes" {
  kubernetes = "1.35.4"
  endpoint   = "10.0.0.11:6443"
}

network {
  pods       = "10.1.0.0/16"
  services   = "10.2.0.0/16"
  proxy      = "iptables"
  backend    = "vxlan"
  dns        = "cluster.local"
  node_ports = "30000-32767"
}

pki {
  algorithm   = "ecdsa-p256"
  ca_lifetime = "3650d"
  lifetime    = "365d"
  extra_sans  = ["api.example.com", "192.0.2.1"]
}

etcd {
  quota_gib = 8
}

upgrade {
  max_unavailable = "1"
  drain_timeout   = "5m"
  gate_timeout    = "3m"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  taints  = ["node-role.kubernetes.io/control-plane:NoSchedule"]
}
