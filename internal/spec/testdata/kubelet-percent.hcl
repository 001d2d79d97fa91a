cluster "prod" {
  kubernetes = "1.36.3"
}

kubelet {
  image_gc_high_threshold_percent = 101
  image_gc_low_threshold_percent  = 2.5
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
