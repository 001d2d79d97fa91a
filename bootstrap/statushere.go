package bootstrap

import (
	"context"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// elsewhere reports whether m is another machine than the one that this run is on and stays on: there is no way to it but
// what its control plane offers to the network.
func (r *Run) elsewhere(m *machine) bool { return r.Here != "" && m.node.Name != r.Here }

// catchUp takes over from the API which control planes there are by now. Without an API, what this machine knows has to do:
// that none answers is found out again, and told.
func (r *Run) catchUp(ctx context.Context) {
	if r.Here == "" {
		return
	}
	for _, n := range r.Cluster.ControlPlanes() {
		client, err := r.readyAt(ctx, n.Address)
		if err != nil {
			continue
		}
		if _, _, err := r.current(ctx, client); err == nil {
			return
		}
	}
}

// undeclared is a node that the API knows and the file does not. On a machine of the cluster that is a worker that joined.
func (r *Run) undeclared(n kube.NodeInfo) status.Node {
	out := status.Node{Name: n.Name, Address: n.Address, Undeclared: r.Here == ""}
	if r.Here != "" {
		out.Role, out.Reachable = string(spec.Worker), true
	}
	return out
}
