cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "a" {
  for_each = ["x"]
  role     = "worker"
  address  = "10.0.0.21"
}
node "b" {
  for_each = null
  role     = "worker"
  address  = "10.0.0.22"
}
node "c" {
  for_each = { (each.key) = 1 }
  role     = "worker"
  address  = "10.0.0.23"
}
node "d" {
  for_each = { x = 1 }
  role     = "worker"
  address  = each.val
}
