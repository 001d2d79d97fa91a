package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// remember keeps what was applied: the declared nodes, and what cannot be changed later; those that are gone stay until they are cleaned.
func (r *Run) remember() error {
	if r.forgetful {
		return nil
	}
	nodes := append([]spec.Node(nil), r.Cluster.Nodes...)
	for _, m := range r.gone {
		nodes = append(nodes, m.node)
	}
	return errors.Join(r.dir.PutNodes(nodes), r.dir.Put(appliedFile, wished(r.Cluster)))
}

// findGone plans the removal of nodes that were applied and are no longer declared.
func (r *Run) findGone(p *plan.Plan) error {
	nodes, err := r.dir.Nodes()
	if err != nil {
		return err
	}
	declared := map[string]bool{}
	for _, n := range r.Cluster.Nodes {
		declared[n.Name] = true
	}
	for _, n := range nodes {
		if !declared[n.Name] {
			r.gone = append(r.gone, &machine{node: n})
			p.Nodes = append(p.Nodes, plan.Node{Name: n.Name, Role: string(n.Role), Address: n.Address.String(), Removed: true})
		}
	}
	return nil
}

// removeGone drains, deletes and cleans them. The cluster's part comes first: from then on nothing is
// scheduled there, whatever becomes of the machine.
func (r *Run) removeGone(ctx context.Context) error {
	if len(r.gone) == 0 {
		return nil
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	err = r.eachStage("remove", r.gone, func(m *machine, sink event.Sink) error {
		if m.node.Role != spec.LoadBalancer {
			if err := client.Drain(ctx, m.node.Name, r.timeout()); err != nil {
				return err
			}
			if err := client.DeleteNode(ctx, m.node.Name); err != nil {
				return err
			}
		}
		if err := r.reach(ctx, m); err != nil {
			return fmt.Errorf("it is out of the cluster, but could not be cleaned; apply again when it answers: %w", err)
		}
		return r.clean(ctx, m, false, sink)
	})
	if err != nil {
		return err
	}
	r.gone = nil
	return r.remember()
}

// clean takes Slipway off one machine.
func (r *Run) clean(ctx context.Context, m *machine, purge bool, sink event.Sink) error {
	cleaning := node.Cleaning{Cluster: r.certs.ClusterID(), Purge: purge, Binary: m.agent.Path()}
	if r.Cluster.LoadBalancer.Kind == spec.VIP {
		cleaning.Addresses = []string{r.Cluster.Endpoint.Addr().String()}
	}
	return m.agent.Clean(ctx, cleaning, sink)
}
