cluster {}

network "x" {}

node "a" "b" {}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
