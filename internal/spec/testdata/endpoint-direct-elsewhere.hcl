cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
