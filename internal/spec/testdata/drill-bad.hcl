cluster "prod" {
  kubernetes = "1.36.3"
}
drill {
  allow = ["upgrade", "upgrad", "chaos"]
}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
