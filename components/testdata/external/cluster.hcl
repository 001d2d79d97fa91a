# The user's own balancer under a DNS name, and every choice of the network made otherwise.
cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "k8s.example.com:8443"
}

load_balancer "external" {}

network {
  pods       = "172.20.0.0/16"
  services   = "172.30.0.0/20"
  proxy      = "iptables"
  backend    = "host-gw"
  dns        = "example.internal"
  node_ports = "20000-21000"
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

backup {
  schedule   = "*-*-* 02:00:00"
  recipients = ["age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"]
  verify     = "Sun 04:00"
  s3 {
    endpoint = "s3.example.com"
    bucket   = "archives"
    prefix   = "prod"
  }
}
