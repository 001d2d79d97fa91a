package bootstrap

import (
	"fmt"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/pki"
)

// Kubeconfig is the administrator's way in, from the state directory: no machine is asked.
func (r *Run) Kubeconfig() ([]byte, error) {
	certs, err := r.stored()
	if err != nil {
		return nil, fmt.Errorf("read the cluster's certificates: %w; apply the cluster first", err)
	}
	in := components.Input{Cluster: r.Cluster, Certs: certs}
	return pki.Kubeconfig(r.Cluster.Name, in.AdminServer(), certs.CA(pki.Kubernetes).Cert, "admin", certs.Shared(pki.Admin))
}
