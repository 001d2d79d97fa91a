# The smallest cluster: one machine that is control plane and worker at once.

cluster "single" {
  kubernetes = "1.36.3"
  # No endpoint and no load_balancer: clients reach the API server at the node's own address.
}

ssh {
  user        = "debian" # with sudo; as root, sudo is not used
  private_key = "~/.ssh/id_ed25519"
  known_hosts = "known_hosts" # beside this file
}

node "one" {
  role    = "control-plane"
  address = "10.0.0.11"

  # Beside workers a control plane is kept clear of ordinary pods by a taint. Here there are none, and an
  # empty list keeps it so when the first worker is added.
  taints = []
}
