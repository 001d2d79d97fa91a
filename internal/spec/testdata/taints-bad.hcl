cluster "prod" {
  kubernetes = "1.36.3"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
  taints = [
    "dedicated",
    "a=b:NoSchedul",
    "a b:NoExecute",
    "a=b c:NoExecute",
    "x:NoExecute",
    "x=1:NoExecute",
    "node.kubernetes.io/not-ready:NoExecute",
  ]
}
