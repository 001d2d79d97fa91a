# High availability without a virtual address, for networks that allow none (many clouds): every node runs its
# own small HAProxy on loopback and finds a living API server by itself.

cluster "node-local" {
  kubernetes = "1.36.3"

  # Optional here. The nodes do not use it; clients outside do, for instance a DNS name with the
  # addresses of all control planes. Without it, a kubeconfig names one control plane.
  endpoint = "api.example.com:6443"
}

load_balancer "node_local" {
  port = 7443 # on 127.0.0.1 of each node
}

network {
  backend = "host-gw" # plain routes, no encapsulation: for nodes that share one link
}

ssh {
  user        = "debian"
  private_key = "~/.ssh/id_ed25519"
  known_hosts = "known_hosts"
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
