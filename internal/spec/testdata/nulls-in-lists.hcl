cluster "prod" {
  kubernetes = "1.36.3"
}

pki {
  extra_sans = ["a", null]
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
