cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

load_balancer "vip" {}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
}
