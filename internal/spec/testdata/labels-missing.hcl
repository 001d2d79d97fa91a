cluster {
  kubernetes = "1.36.3"
}

load_balancer {}

node {
  role    = "control-plane"
  address = "10.0.0.11"
}

variable {}

ssh {
  bastion {}
}
