cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.300"
}

node "w-1" {
  role    = "worker"
  address = "host.example.com"
}

node "w-2" {
  role    = "worker"
  address = "127.0.0.1"
}

node "w-3" {
  role    = "worker"
  address = "0.0.0.0"
}

node "w-4" {
  role    = "worker"
  address = "224.0.0.1"
}

node "w-5" {
  role    = "worker"
  address = "fe80::1%eth0"
}

node "w-6" {
  role    = "worker"
  address = "169.254.0.5"
}

node "w-7" {
  role    = "worker"
  address = "::ffff:10.0.0.1"
}
