cluster "prod" {
  kubernetes = "1.36.3"
}

locals {
  a = local.b
  b = local.c
  c = local.a
  d = 1
}
locals {
  d = 2
  e = local
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
