cluster "prod" {
  kubernetes = "1.36.3"
}

pki {
  ca_lifetime = "30d"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
