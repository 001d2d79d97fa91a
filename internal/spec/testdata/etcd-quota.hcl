cluster "prod" {
  kubernetes = "1.36.3"
}

etcd {
  quota_gib = 9
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
