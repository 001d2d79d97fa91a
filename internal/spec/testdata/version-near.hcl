cluster "prod" {
  kubernetes = "1.36.2"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
