cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "[fd00::100]:6443"
}

load_balancer "vip" { interface = "eth1" }

network {
  pods     = "fd00:10::/56"
  services = "fd00:20::/112"
}

node "cp-1" {
  role    = "control-plane"
  address = "fd00::11"
}

node "cp-2" {
  role    = "control-plane"
  address = "fd00::12"
}

node "cp-3" {
  role    = "control-plane"
  address = "fd00::13"
}

node "w-1" {
  role    = "worker"
  address = "fd00::21"
}
