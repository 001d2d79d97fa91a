cluster "prod" {
  kubernetes = "1.36.3"
}
backup {
  schedule   = ""
  recipients = []
  directory  = "/var/lib/etcd/backups"
  s3 {
    endpoint    = "https://s3.example.com"
    bucket      = "Archives"
    prefix      = "../prod"
    region      = "Europe, or so"
    credentials = "keys/s3"
    ca          = "keys/id.pub"
  }
}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
