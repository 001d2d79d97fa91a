# The usual cluster, which the others are compared with.
cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

load_balancer "vip" { interface = "eth1" }

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "cp-2" {
  role    = "control-plane"
  address = "10.0.0.12"
}

node "cp-3" {
  role    = "control-plane"
  address = "10.0.0.13"
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
  labels = {
    zone                              = "a"
    disk                              = "fast"
    "example.com/pool"                = "blue"
    "topology.kubernetes.io/zone"     = "a"
    "node-role.kubernetes.io/storage" = "yes"
  }
  taints = ["dedicated=storage:NoSchedule"]
}

node "w-2" {
  role    = "worker"
  address = "10.0.0.22"
}
