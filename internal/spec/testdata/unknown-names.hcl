cluster "prod" {
  kubernets = "1.36.3"
  endpont = "10.0.0.100:6443"
  network {}
}
netwrok {}
zzz {}
kubelet = 3
external {}
ssh {
  keyfile = "x"
  bastion = "10.0.0.1"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
