cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.99.0.100:6443"
}

load_balancer "vip" {}

network {
  pods     = "10.244.0.0/16"
  services = "10.96.0.0/12"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.99.0.11"
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
  ssh_address = "10.244.1.1"
}
