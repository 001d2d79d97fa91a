cluster "prod" {
  kubernetes = "1.36.3"
}
backup {
  schedule   = "*-*-* 25:00"
  verify     = "Sunny 04:00"
  retain     = 0
  recipients = ["somebody", "age1nonsense", "AGE-SECRET-KEY-1HUNTER"]
  directory  = "backups"
}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
