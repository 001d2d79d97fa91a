# Every node's own balancer, in containers behind the times: cgroup version 1, no CAP_SYS_RESOURCE.
cluster "prod" {
  kubernetes = "1.36.3"
}

load_balancer "node_local" {}

kubelet {
  max_pods      = 200
  eviction_hard = { "nodefs.available" = "1%" }
  image_gc_high_threshold_percent = 99
  image_gc_low_threshold_percent  = 98
}

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
}
