cluster "prod" {
  kubernetes = "1.36.3"
}

variable "x y" {}
variable "twice" { default = 1 }
variable "twice" { default = 2 }
variable "unset" {}
variable "count" {
  type    = number
  default = "many"
}
variable "typo" {
  type    = strin
  default = ""
}
variable "ref" { default = var.count }

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
