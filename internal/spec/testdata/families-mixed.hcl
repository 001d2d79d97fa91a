cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

load_balancer "vip" {}

network {
  pods     = "fd00:10:244::/48"
  services = "fd00:10:96::/112"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "w-1" {
  role    = "worker"
  address = "fd00::21"
}
