# Archives by schedule: every night one control plane makes one, keeps it in a directory of its own and in an object
# store, and every Sunday the newest is proven by restoring it.

cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}

load_balancer "vip" {}

backup {
  schedule = "*-*-* 02:00:00" # as systemd's OnCalendar takes it, in the machines' time zone
  retain   = 14               # archives in each place
  verify   = "Sun 04:00"

  # Whom the keys in archives are sealed to. What opens them, the identities, belongs neither here nor on the machines.
  recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]

  s3 {
    endpoint    = "s3.example.com"
    bucket      = "archives"
    prefix      = "clusters/prod"
    region      = "eu-central-1"
    credentials = "s3-credentials" # mode 0600, in the form of AWS's shared credentials
  }
}

ssh {
  user        = "debian"
  private_key = "~/.ssh/id_ed25519"
  known_hosts = "known_hosts"
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
