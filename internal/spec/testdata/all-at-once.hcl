cluster "prod" {
  kubernetes = "1.20.0"
  endpoint   = "10.0.0.12:6443"
}

load_balancer "vip" {}

network {
  pods     = "10.0.0.0/16"
  services = "10.96.0.0/16"
  prox     = "nftables"
}

ssh {
  private_key = "keys/open"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "cp-2" {
  role    = "control-plane"
  address = "10.0.0.12"
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.12"
  labels  = { zone = "a b" }
}
