cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.11"
}
