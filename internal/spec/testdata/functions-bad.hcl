cluster "prod" {
  kubernetes = "1.36.3"
}

locals {
  a = cidrhost("10.0.0.0/24", 256)
  b = cidrhost("10.0.0.0", 1)
  c = cidrsubnet("10.0.0.0/24", 10, 0)
  d = cidrsubnet("10.0.0.0/24", 2, 4)
  e = file("nowhere")
  f = cidrnetmask("fd00::/64")
  g = cidrsubnets("10.0.0.0/24", 1, 1, 1)
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
