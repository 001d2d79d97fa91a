cluster "prod" {
  kubernetes = "1.36.3"
}

ssh {
  private_key = "~other/id"
  known_hosts = ""
  sudo_password_file = "a\u0000b"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
