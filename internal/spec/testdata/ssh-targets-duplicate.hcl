cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  ssh_address = "127.0.0.1"
}

node "w-1" {
  role    = "worker"
  address = "10.0.0.21"
  ssh_address = "127.0.0.1"
}

node "w-2" {
  role    = "worker"
  address = "10.0.0.22"
  ssh_address = "10.0.0.11; rm"
}
