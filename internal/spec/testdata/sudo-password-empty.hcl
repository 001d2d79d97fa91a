cluster "prod" {
  kubernetes = "1.36.3"
}

ssh {
  sudo_password_file = "keys/empty"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
