package bootstrap

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

// Export is the cluster's file as the cluster stands, for slipway apply: what was declared of the whole, and the nodes
// that are in it now, also those that joined by themselves. It holds no secret, and not how machines are reached.
func (r *Run) Export(ctx context.Context) ([]byte, error) {
	client, err := r.admin(ctx)
	if err != nil {
		return nil, err
	}
	if err := halfWay(ctx, client); err != nil {
		return nil, err
	}
	live, err := client.LiveNodes(ctx)
	if err != nil {
		return nil, err
	}
	c := *r.Cluster
	c.Nodes = nil
	for _, l := range live {
		n, err := r.exported(l)
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, n)
	}
	for _, n := range r.Cluster.Nodes {
		if n.Role == spec.LoadBalancer { // which has no Node
			c.Nodes = append(c.Nodes, n)
		}
	}
	return spec.Write(&c), nil
}

// exported is the node as declared, or else as its Node tells.
func (r *Run) exported(l kube.LiveNode) (spec.Node, error) {
	i := slices.IndexFunc(r.Cluster.Nodes, func(n spec.Node) bool { return n.Name == l.Name })
	if i >= 0 {
		return r.Cluster.Nodes[i], nil
	}
	n := spec.Node{Name: l.Name, Role: spec.Worker, Labels: l.Labels}
	if l.ControlPlane {
		n.Role, n.Taints = spec.ControlPlane, []spec.Taint{}
	}
	var err error
	if n.Address, err = netip.ParseAddr(l.Address); err != nil {
		return n, fmt.Errorf("node %s: its kubelet tells no InternalIP: %w", l.Name, err)
	}
	for _, t := range l.Taints {
		n.Taints = append(n.Taints, spec.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	return n, nil
}
