# Machines in a private network, reached through a chain of bastions.
# Each hop's host key is checked against known_hosts, like every machine's.

cluster "private" {
  kubernetes = "1.35.4"
  endpoint   = "10.0.0.100:6443"
}

load_balancer "vip" {}

ssh {
  user        = "debian"
  private_key = "~/.ssh/id_ed25519"
  known_hosts = "known_hosts"
  timeout     = "20s" # for one attempt to connect

  # First hop first. User and key are those of the machines unless a hop has its own.
  bastion "bastion.example.com" {
    user = "jump"
    port = 2222
  }
  bastion "10.0.0.2" {}
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "cp-2" {
  role    = "control-plane"
  address = "10.0.0.12"
}

# A machine with two interfaces: SSH answers on one, the cluster's own traffic uses the other.
# Its own ssh block replaces what it names, and nothing else.
node "cp-3" {
  role        = "control-plane"
  address     = "10.0.0.13"
  ssh_address = "cp-3.example.com"
  ssh {
    port   = 2200
    direct = true # without the bastions
  }
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
}
