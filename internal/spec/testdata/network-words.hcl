cluster "prod" {
  kubernetes = "1.36.3"
}

network {
  proxy      = "nftable"
  backend    = "calico"
  dns        = "cluster local"
  node_ports = "30000"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
