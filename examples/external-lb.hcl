# A load balancer of your own in front of the control planes. It must forward TCP (not TLS) to port 6443
# of each, and should take one out whose https://ADDRESS:6443/readyz does not answer 200.

cluster "external" {
  kubernetes = "1.36.3"
  endpoint   = "api.example.com:443"
}

load_balancer "external" {}

pki {
  # More names and addresses that clients may use for the API, beside the endpoint and the nodes' own.
  extra_sans = ["k8s.internal.example.com", "192.0.2.10"]

  algorithm   = "rsa-3072" # for clients that cannot do ECDSA; the default is ecdsa-p256
  ca_lifetime = "3650d"
  lifetime    = "90d" # of every other certificate; apply renews them in time
}

ssh {
  user               = "debian"
  private_key        = "~/.ssh/id_ed25519"
  known_hosts        = "known_hosts"
  sudo_password_file = "sudo-password" # mode 0600; a password itself is refused in this file
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
