package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

// inTurn is one machine's turn to enter the cluster, or to leave it.
func (r *Run) inTurn(ctx context.Context, api *kube.Client, name string, do func(context.Context) error) error {
	waiting := func(other string) {
		r.Sink.Emit(event.Event{Kind: event.Waiting, Stage: "turn", Subject: "turn", Message: other + " is joining, leaving or being upgraded: one machine at a time"})
	}
	return api.InTurn(ctx, components.TurnName, name, waiting, do)
}

// inUpgradesTurn is inTurn where there are others to take turns with. An only control plane has none, and its own API server, which
// keeps the turn, goes away meanwhile: who would join is refused, for the version is declared and not there. A machine that has nothing
// to change takes its turn as well, if it can: a run that was killed may have left it taken.
func (r *Run) inUpgradesTurn(ctx context.Context, do func(context.Context) error) error {
	if len(r.Cluster.ControlPlanes()) == 1 {
		return do(ctx)
	}
	api, err := r.peerAPI(ctx, r.peers(r.Here))
	if err != nil && len(r.machines[0].changes) == 0 {
		return do(ctx)
	}
	if err != nil {
		return err
	}
	return r.inTurn(ctx, api, r.Here, do)
}

// peers are the control planes other than the named one.
func (r *Run) peers(self string) []spec.Node {
	return slices.DeleteFunc(r.Cluster.ControlPlanes(), func(n spec.Node) bool { return n.Name == self })
}

// peerAPI is a client of the API server of the first of nodes where one is ready, by its own address: the endpoint may move while
// balancers learn of one another.
func (r *Run) peerAPI(ctx context.Context, nodes []spec.Node) (*kube.Client, error) {
	var reasons []error
	for _, n := range nodes {
		client, err := r.readyAt(ctx, n.Address)
		if err == nil {
			return client, nil
		}
		reasons = append(reasons, &NodeError{n.Name, err})
	}
	return nil, fmt.Errorf("no other control plane's API server is ready: %w", errors.Join(reasons...))
}
