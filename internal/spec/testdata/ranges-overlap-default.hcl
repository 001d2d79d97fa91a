cluster "prod" {
  kubernetes = "1.36.3"
}

network {
  pods = "10.0.0.0/8"
}

node "cp-1" {
  role    = "control-plane"
  address = "192.168.0.11"
}
