// This file only marks the module's root. What is compiled is pinned in one modfile per
// Kubernetes minor (1.34.mod, 1.35.mod, 1.36.mod): go build -modfile=1.36.mod .
module github.com/slipway/slipway/distro/kube

go 1.26.0
