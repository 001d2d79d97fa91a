cluster "prod" {
  kubernetes = "1.36.3"
}

network {
  node_ports = "6000-7000"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
