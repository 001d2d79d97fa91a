cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "a:b:c"
}

load_balancer "vip" {}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
