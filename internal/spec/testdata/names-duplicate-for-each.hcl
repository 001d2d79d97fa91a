cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "w" {
  for_each = toset(["a", "b"])
  name     = "w-same"
  role     = "worker"
  address  = each.key == "a" ? "10.0.0.21" : "10.0.0.22"
}
