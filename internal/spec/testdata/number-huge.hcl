cluster "prod" {
  kubernetes = "1.36.3"
}

locals {
  a = 1e99999999
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
