cluster "prod" {
  kubernetes = "1.36.3"
}

ssh {
  known_hosts = "keys/garbage"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
