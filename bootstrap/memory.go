package bootstrap

import (
	"cmp"
	"context"
	"errors"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// remember keeps what was applied: the declared nodes, and what cannot be changed later. Those that are gone
// stay until they are cleaned, or given up.
func (r *Run) remember() error {
	if r.forgetful {
		return nil
	}
	nodes, left := append([]spec.Node(nil), r.Cluster.Nodes...), []statedir.Left(nil)
	for _, m := range r.gone {
		if m.left != "" {
			left = append(left, statedir.Left{Node: m.node, Cluster: m.left})
		} else {
			nodes = append(nodes, m.node)
		}
	}
	return errors.Join(r.dir.PutNodes(nodes, left...), r.dir.Put(appliedFile, r.applying()), r.rememberMembers())
}

// clean takes Slipway off one machine, which refuses if it is another cluster's by now.
func (r *Run) clean(ctx context.Context, m *machine, purge bool, sink event.Sink) error {
	cleaning := node.Cleaning{Cluster: cmp.Or(m.left, r.certs.ClusterID()), Purge: purge, Binary: m.agent.Path()}
	if r.Cluster.LoadBalancer.Kind == spec.VIP {
		cleaning.Addresses = []string{r.Cluster.Endpoint.Addr().String()}
	}
	return m.agent.Clean(ctx, cleaning, sink)
}
