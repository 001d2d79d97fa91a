cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

load_balancer "node-local" {}

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
