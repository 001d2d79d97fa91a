//go:build linux

package node

import (
	"os"
	"path/filepath"
	"slices"
)

// traces are what other tools' clusters and container runtimes leave or hold: Slipway would
// overwrite them, or fight with them.
var traces = [...]string{
	"/etc/kubernetes/*.conf",
	"/etc/kubernetes/manifests/*",
	"/etc/kubernetes/pki/*",
	"/var/lib/etcd/member",
	"/var/lib/kubelet/config.yaml",
	"/etc/rancher/k3s", "/etc/rancher/rke2",
	"/var/lib/rancher/k3s", "/var/lib/rancher/rke2",
	"/var/lib/k0s", "/var/snap/microk8s",
	"/etc/cni/net.d/*.conf", "/etc/cni/net.d/*.conflist",
	containerdSocket, "/run/docker.sock", "/run/crio/crio.sock",
}

// leftovers lists what of another cluster is on a machine that is none of ours.
func (m Machine) leftovers() []string {
	var out []string
	for _, pattern := range traces {
		found, err := filepath.Glob(m.path(pattern))
		if err != nil {
			continue // no pattern here is malformed: TestTraces
		}
		for _, path := range found {
			if info, err := os.Lstat(path); err == nil && info.Size() >= 0 {
				rel, err := filepath.Rel(m.path("/"), path)
				if err == nil {
					out = append(out, "/"+rel)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}
