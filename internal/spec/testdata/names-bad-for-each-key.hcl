cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "w" {
  for_each = { "x y" = "10.0.0.21", "Z" = "10.0.0.22" }
  role     = "worker"
  address  = each.value
}
