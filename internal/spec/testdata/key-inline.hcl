cluster "prod" {
  kubernetes = "1.36.3"
}

ssh {
  private_key = <<-EOT
    -----BEGIN OPENSSH PRIVATE KEY-----
    c2VjcmV0IGtleQ==
    -----END OPENSSH PRIVATE KEY-----
  EOT
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
