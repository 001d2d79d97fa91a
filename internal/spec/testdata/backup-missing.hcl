cluster "prod" {
  kubernetes = "1.36.3"
}
backup {
  s3 {
    endpoint = "s3.example.com:99999"
    bucket   = "archives"
  }
}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
