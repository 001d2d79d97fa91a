cluster "prod" {
  kubernetes = "1.36.3"
}

kubelet {
  max_pods = 1000
  eviction_hard = {
    "memory.free"      = "100Mi"
    "nodefs.available" = "ten"
    "pid.available"    = "120%"
  }
  image_gc_high_threshold_percent = 70
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
