package bootstrap

import (
	"context"
	"slices"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
)

// bringUpTaken is bringUp for a cluster that kubeadm made.
func (r *Run) bringUpTaken(ctx context.Context, machines []*machine) error {
	if err := r.send(ctx, machines); err != nil {
		return err
	}
	var others, serving []*machine
	for _, m := range machines {
		switch {
		case m.node.Role != spec.ControlPlane:
			others = append(others, m)
		case r.serves(ctx, m):
			serving = append(serving, m)
		default: // one that was cut off is whole again before the next
			serving = append([]*machine{m}, serving...)
		}
	}
	if err := r.convergeTaken(ctx, others); err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(m *machine) bool { return m.node.Role == spec.Worker })
	if err := r.converge(ctx, others); err != nil {
		return err
	}
	if err := r.convergeOneByOne(ctx, serving); err != nil {
		return err
	}
	if err := r.takeOverObjects(ctx); err != nil {
		return err
	}
	converged, serves := make(chan struct{}), make(chan struct{})
	close(converged)
	return r.startCluster(ctx, converged, serves)
}

// convergeOneByOne changes control planes one after the other, each waited for.
func (r *Run) convergeOneByOne(ctx context.Context, machines []*machine) error {
	for _, m := range machines {
		err := r.eachStage("machines", []*machine{m}, func(m *machine, sink event.Sink) error { return r.convergeServing(ctx, m, sink) })
		if err != nil {
			return err
		}
	}
	return nil
}
