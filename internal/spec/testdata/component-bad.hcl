cluster "prod" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.11:6443"
}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
component "kube-apiserve" {
  flags = {}
}
component "kube-apiserver" {
  flags = {
    "v"           = 4
    "secure-port" = "7443"
    "etcd-servers" = "https://10.0.0.9:2379"
    "no such"     = "1"
    "--audit-log-maxage" = "3"
  }
}
component "kube-apiserver" {
  flags = { "v" = "2" }
}
component "etcd" {
}
