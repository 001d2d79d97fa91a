package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

// byApply is what mends a machine, and what it does: where a cluster is made by hand, what made the machine does so when it is run again.
func (r *Run) byApply(does string) string {
	if r.Here != "" {
		return "slipway join on the machine, as it was made (init, while it is the only control plane), " + does
	}
	return "slipway apply " + does
}

// joining is what makes a machine join.
func (r *Run) joining() string {
	if r.Here != "" {
		return "slipway join on it; slipway join-command prints the rest"
	}
	return "slipway apply -f " + r.Cluster.File
}

// quorumLostHere tells of a machine whose own etcd runs and cannot decide anything, with what it sees of the others.
func (r *Run) quorumLostHere(members []status.Member) []status.Problem {
	own := slices.ContainsFunc(members, func(m status.Member) bool { return m.Node == r.Here && m.ID != "" && !m.Healthy })
	var away []string
	for _, m := range members {
		if m.Node != r.Here && !m.Healthy {
			away = append(away, m.Node)
		}
	}
	if !own || 2*len(away) < len(members) {
		return nil
	}
	return []status.Problem{{What: fmt.Sprintf("etcd has no quorum, as far as this machine sees: %s do not vote", list(away)),
		Remedy: "bring them back, or this machine to them: nothing else is needed. If they are gone for good, slipway etcd recover --gone " + strings.Join(away, ",") + " makes a cluster of what this machine has"}}
}

// undeclared is a node that the API knows and the file does not. On a machine of the cluster that is a worker that joined.
func (r *Run) undeclared(n kube.NodeInfo) status.Node {
	out := status.Node{Name: n.Name, Address: n.Address, Undeclared: r.Here == ""}
	if r.Here != "" {
		out.Role, out.Reachable = string(spec.Worker), true
	}
	return out
}
