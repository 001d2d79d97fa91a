cluster "own" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.1:6443"
}

network {
  pods       = "10.244.0.0/16"
  services   = "10.96.0.0/16"
  proxy      = "nftables"
  backend    = "vxlan"
  dns        = "cluster.local"
  node_ports = "30000-32767"
}

pki {
  algorithm   = "ecdsa-p256"
  ca_lifetime = "3650d"
  lifetime    = "365d"
}

etcd {
  quota_gib = 8
}

upgrade {
  max_unavailable = "1"
  drain_timeout   = "5m"
  gate_timeout    = "3m"
}

node "a" {
  role    = "control-plane"
  address = "10.0.0.1"
}
