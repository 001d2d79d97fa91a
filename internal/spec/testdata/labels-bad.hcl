cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  labels  = {
    "a b"                    = "x"
    zone                     = "in valid"
    "kubernetes.io/hostname" = "cp-1"
    "x/y/z"                  = "1"
  }
}
