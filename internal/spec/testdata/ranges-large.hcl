cluster "prod" {
  kubernetes = "1.36.3"
}

network {
  pods     = "32.0.0.0/7"
  services = "16.0.0.0/8"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
