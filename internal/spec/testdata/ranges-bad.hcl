cluster "prod" {
  kubernetes = "1.36.3"
}

network {
  pods     = "10.244.0.0"
  services = "10.96.0.1/16"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
