# Balancers on machines of their own.
cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:443"
}

load_balancer "vip" {}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "cp-2" {
  role    = "control-plane"
  address = "10.0.0.12"
}

node "cp-3" {
  role    = "control-plane"
  address = "10.0.0.13"
}

node "lb-1" {
  role    = "load-balancer"
  address = "10.0.0.31"
}

node "lb-2" {
  role    = "load-balancer"
  address = "10.0.0.32"
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
}
