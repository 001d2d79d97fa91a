cluster "prod" {
  kubernetes = "1.36.3"
}

ssh {
  user    = "root; reboot"
  port    = 70000
  timeout = "1h"
  bastion "me@host" {
    user = "$(x)"
    port = 0
    private_key = "nowhere"
  }
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  ssh {
    direct = true
    bastion "10.0.0.2" {}
  }
}
