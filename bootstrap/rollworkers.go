package bootstrap

import (
	"context"
	"errors"

	"github.com/slipway/slipway/internal/event"
)

// rollWorkers changes workers: those with nothing to lose all at once, the others in batches.
func (r *Run) rollWorkers(ctx context.Context, workers []*machine) error {
	if len(workers) == 0 {
		return nil
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	registered, err := client.NodeNames(ctx)
	if err != nil {
		return err
	}
	var free, busy []*machine
	for _, m := range workers {
		if registered[m.node.Name] && felt(m.changes) {
			busy = append(busy, m)
		} else {
			free = append(free, m)
		}
	}
	err = r.eachStage("machines", free, func(m *machine, sink event.Sink) error { return m.agent.Converge(ctx, m.state, sink) })
	if err != nil {
		return err
	}
	for batch := range r.batches(busy) {
		err := r.eachStage("workers", batch, func(m *machine, sink event.Sink) error { return r.rollWorker(ctx, m, sink) })
		if err != nil {
			return err
		}
	}
	return nil
}

// batches are workers that may be away at once.
func (r *Run) batches(workers []*machine) func(func([]*machine) bool) {
	size := r.Cluster.Upgrade.Batch(len(r.Cluster.Workers()))
	return func(yield func([]*machine) bool) {
		for len(workers) > 0 {
			n := min(size, len(workers))
			if !yield(workers[:n]) {
				return
			}
			workers = workers[n:]
		}
	}
}

// rollWorker takes one worker to its new State, or back to what it was. For another version its pods leave it first: a kubelet
// of another minor version may not take over the pods of the one before.
// https://kubernetes.io/releases/version-skew-policy/#kubelet
func (r *Run) rollWorker(ctx context.Context, m *machine, sink event.Sink) (err error) {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	well := r.nodeWell(ctx, m)
	if r.rollout != nil && disturbing(m.changes) {
		if err := client.Cordon(ctx, m.node.Name); err != nil {
			return err
		}
		if err := r.drain(ctx, client, m.node.Name, sink); err != nil {
			return errors.Join(err, client.Uncordon(context.WithoutCancel(ctx), m.node.Name))
		}
	}
	err = m.agent.Converge(ctx, part(m.state), sink)
	if err == nil && well {
		err = r.nodeGate(ctx, m, sink)
	}
	err = r.conclude(ctx, m, sink, err)
	if ctx.Err() != nil { // whoever goes on finds it cordoned, and ends that
		return err
	}
	return errors.Join(err, client.Uncordon(ctx, m.node.Name))
}
