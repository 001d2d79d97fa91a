node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
