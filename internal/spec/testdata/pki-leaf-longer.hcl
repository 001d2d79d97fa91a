cluster "prod" {
  kubernetes = "1.36.3"
}

pki {
  ca_lifetime = "30d"
  lifetime    = "8760h"
}

node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
