cluster "prod" {
  kubernetes = var.kubernets
  state      = local.stat
  bundle     = each.key
}

variable "kubernetes" { default = "1.36.3" }
locals { state = "x" }

node "cp-1" {
  role    = control-plane
  address = "10.0.0.11"
}
pki {
  algorithm = rsa
  lifetime  = frmat("1d")
}
