# The virtual address on machines of its own: two load balancers in front of three control planes.

cluster "balanced" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

# Nodes with role = "load-balancer" hold the endpoint; without such nodes, the control planes do.
load_balancer "vip" {
  router_id = 52
}

ssh {
  user        = "root"
  private_key = "~/.ssh/id_ed25519"
  known_hosts = "known_hosts"
}

# HAProxy and keepalived, and nothing of Kubernetes: no labels, no taints, no pods.
node "lb" {
  for_each = { 1 = "10.0.0.5", 2 = "10.0.0.6" }
  role     = "load-balancer"
  address  = each.value
}

node "cp" {
  for_each = { 1 = "10.0.0.11", 2 = "10.0.0.12", 3 = "10.0.0.13" }
  role     = "control-plane"
  address  = each.value
}

node "w" {
  for_each = { 1 = "10.0.0.21", 2 = "10.0.0.22" }
  role     = "worker"
  address  = each.value
}
