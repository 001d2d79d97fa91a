cluster "prod" {}

node "cp-1" {
  role = null
}
