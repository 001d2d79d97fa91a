cluster "prod" {
  kubernetes = "1.36.3"
}

pki {
  algorithm   = "rsa-1024"
  ca_lifetime = "ten years"
  lifetime    = "1s"
  extra_sans  = ["api.example.com", "10.0.0.300", "a b"]
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
