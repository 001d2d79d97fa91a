# A highly available cluster: three control planes, two workers, one virtual address.
# It is the cluster that `make up` makes out of the lab's machines (slipway lab up).
#
#   slipway plan  -f examples/ha.hcl     what would change, machine by machine
#   slipway apply -f examples/ha.hcl     make it so; run it again, and nothing changes
#
# Paths are relative to this file.

cluster "ha" {
  kubernetes = "1.36.3"

  # Where clients reach the API, for as long as any control plane lives. No machine may have this
  # address: the control planes hand it to each other.
  endpoint = "10.77.0.100:6443"

  # The cluster's CAs and what else only the operator keeps. Back it up; never commit it.
  state = "../build/lab/ha"
}

# HAProxy and keepalived on the control planes hold the endpoint.
load_balancer "vip" {}

network {
  # Neither range may hold a machine: Kubernetes would take the machine's traffic for its own.
  pods     = "10.244.0.0/16"
  services = "10.96.0.0/16"
}

# How the machines are reached. The lab makes the key, and collects the machines' host keys;
# on machines of your own, collect them with ssh-keyscan and compare the fingerprints.
ssh {
  user        = "root"
  private_key = "../build/lab/id_ed25519"
  known_hosts = "../build/lab/known_hosts"
}

# The lab's machines share one disk, which is slow for etcd while all of them write. On machines of your own, leave this out.
etcd {
  allow_slow_disk = true
}

# The lab's machines share one disk. With the kubelet's own thresholds each of them would start to evict
# pods and delete images as soon as the others had filled it. On machines of your own, leave this out.
kubelet {
  eviction_hard = {
    "memory.available"  = "100Mi"
    "nodefs.available"  = "1%"
    "imagefs.available" = "1%"
  }
  image_gc_high_threshold_percent = 99
  image_gc_low_threshold_percent  = 98
}

# etcd decides by majority: three control planes outlive the loss of one, five the loss of two.
# Two or four are refused, since they outlive no more than one or three.
node "cp-1" {
  role    = "control-plane"
  address = "10.77.0.11"
}

node "cp-2" {
  role    = "control-plane"
  address = "10.77.0.12"
}

node "cp-3" {
  role    = "control-plane"
  address = "10.77.0.13"
}

# To add a worker, add a block and apply; the others are not touched. To remove one, delete its block
# and apply: its pods are moved away first, then the machine is cleaned.
node "w-1" {
  role    = "worker"
  address = "10.77.0.21"
  labels  = { zone = "a" }
}

node "w-2" {
  role    = "worker"
  address = "10.77.0.22"
  labels  = { zone = "b" }
}
