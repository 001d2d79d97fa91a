cluster "prod" {
  kubernetes = ["1.36.3"]
}

kubelet {
  max_pods = "many"
  eviction_hard = "1%"
}

pki {
  extra_sans = ["a", null, {}]
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  labels  = { zone = null }
  taints  = "a:NoSchedule"
  ssh {
    direct = "perhaps"
  }
}
