cluster "prod; reboot" {
  kubernetes = "1.36.3"
  endpoint = "10.0.0.100:6443"
}

load_balancer "vip" {
  interface = "eth0; reboot"
}

node "cp-1$(reboot)" {
  role    = "control-plane"
  address = "10.0.0.11"
}

node "w_1" {
  role    = "worker"
  address = "10.0.0.21"
}

node "W-2" {
  role    = "worker"
  address = "10.0.0.22"
}

node "w-3\nx" {
  role    = "worker"
  address = "10.0.0.23"
}

node "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
  role    = "worker"
  address = "10.0.0.24"
}
