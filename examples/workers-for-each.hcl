# Variables, locals, functions and for_each: a cluster whose size is a setting.
#
#   slipway apply -f workers-for-each.hcl --var workers=5
#   SLIPWAY_VAR_workers=5 slipway apply -f workers-for-each.hcl
#   slipway apply -f workers-for-each.hcl --var-file production.hcl     # lines of name = value

variable "subnet" {
  description = "The machines' network; every address below is computed from it."
  type        = string
  default     = "10.0.0.0/24"
}

variable "workers" {
  description = "How many workers there are."
  type        = number
  default     = 3
}

# A map may hold whatever the nodes differ in.
variable "gpu_nodes" {
  type = map(object({
    host = number
    zone = optional(string, "a")
  }))
  default = {
    a100 = { host = 41 }
    h100 = { host = 42, zone = "b" }
  }
}

locals {
  zones    = ["a", "b", "c"]
  endpoint = cidrhost(var.subnet, 100)

  # "1" → {address, zone}, "2" → …
  workers = {
    for i in range(1, var.workers + 1) : tostring(i) => {
      address = cidrhost(var.subnet, 20 + i)
      zone    = element(local.zones, i - 1)
    }
  }
}

cluster "sized" {
  kubernetes = "1.36.3"
  endpoint   = "${local.endpoint}:6443"
}

load_balancer "vip" {
  interface = "eth0" # without it, the interface that holds the node's address
  router_id = 77     # set it when other keepalived installations share the network
}

ssh {
  user        = "debian"
  private_key = "~/.ssh/id_ed25519"
  known_hosts = "known_hosts"
}

# With for_each a block declares one node per element, named LABEL-KEY: cp-1, cp-2, cp-3.
# It takes a map or a set; a list becomes a set with toset().
node "cp" {
  for_each = toset(["1", "2", "3"])
  role     = "control-plane"
  address  = cidrhost(var.subnet, 10 + tonumber(each.key))
}

node "w" {
  for_each = local.workers
  role     = "worker"
  address  = each.value.address
  labels   = { "topology.kubernetes.io/zone" = each.value.zone }
}

node "gpu" {
  for_each = var.gpu_nodes
  name     = "${each.key}.gpu" # instead of gpu-KEY
  role     = "worker"
  address  = cidrhost(var.subnet, each.value.host)
  labels   = { "topology.kubernetes.io/zone" = each.value.zone, accelerator = each.key }
  taints   = ["dedicated=gpu:NoSchedule"] # as kubectl writes it; only pods that tolerate it run there
}
