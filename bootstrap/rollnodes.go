package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

// RolloutError is a node that did not come through a change of version.
type RolloutError struct {
	name string
	err  error
	back error // why it is not as before; nil when it is
}

func (e *RolloutError) Error() string {
	if e.back != nil {
		return fmt.Sprintf("%s: %v; and it could not be put back: %v", e.name, e.err, e.back)
	}
	return fmt.Sprintf("%s: %v; it was put back to what it ran before, and the others are as they were", e.name, e.err)
}

// Node is its name.
func (e *RolloutError) Node() string    { return e.name }
func (e *RolloutError) Unwrap() []error { return []error{e.err, e.back} }

// Remedy is the way on.
func (e *RolloutError) Remedy() string {
	return "the cluster is served by the others; mend the cause and apply again, which goes on with this node"
}

// rollControlPlane takes one control plane to its new State, or back: its static pods, its kubelet, and when it has come
// through, what is no longer wanted goes.
func (r *Run) rollControlPlane(ctx context.Context, m *machine, sink event.Sink) error {
	if m.node.Role != spec.ControlPlane || !r.serves(ctx, m) {
		if err := m.agent.Converge(ctx, m.state, sink); err != nil || m.node.Role != spec.ControlPlane {
			return err
		}
		return r.gate(ctx, m, sink)
	}
	if err := r.handLeadership(ctx, m); err != nil {
		return err
	}
	err := r.throughParts(ctx, m, sink)
	if err != nil && ctx.Err() == nil {
		return r.putBack(ctx, m, sink, err)
	}
	if err != nil {
		return err
	}
	return m.agent.Converge(ctx, m.state, sink)
}

// throughParts converges without taking away what was there, and waits behind each step.
func (r *Run) throughParts(ctx context.Context, m *machine, sink event.Sink) error {
	if err := m.agent.Converge(ctx, withoutKubelet(m.state), sink); err != nil {
		return err
	}
	if err := r.gate(ctx, m, sink); err != nil {
		return err
	}
	if err := m.agent.Converge(ctx, part(m.state), sink); err != nil {
		return err
	}
	if err := r.gate(ctx, m, sink); err != nil {
		return err
	}
	return r.nodeGate(ctx, m, sink)
}

// nodeGate waits until the node runs its version, and what belongs there runs on it.
func (r *Run) nodeGate(ctx context.Context, m *machine, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	ask := func(what func(*kube.Client) error) func(context.Context) error {
		return func(ctx context.Context) error {
			client, err := r.anyAPI(ctx)
			if err != nil {
				return err
			}
			return what(client)
		}
	}
	return check.Wait(ctx, sink,
		check.Condition{Name: "the node is Ready at its version", Node: m.node.Name, Test: ask(func(c *kube.Client) error { return c.NodeRuns(ctx, m.node.Name, r.Cluster.Kubernetes) })},
		check.Condition{Name: "kube-system runs on it", Node: m.node.Name, Test: ask(func(c *kube.Client) error { return c.SystemRunsOn(ctx, m.node.Name) })},
	)
}

// putBack makes m what it was when it was last whole, and tells why.
func (r *Run) putBack(ctx context.Context, m *machine, sink event.Sink, why error) error {
	sink.Emit(event.Event{Kind: event.Warning, Message: "it did not come through, and is put back: " + why.Error()})
	back := m.agent.Restore(ctx, sink)
	if back == nil && m.node.Role == spec.ControlPlane {
		within, cancel := r.within(ctx)
		defer cancel()
		back = check.Wait(within, sink, r.whole(m)...)
	}
	return &RolloutError{m.node.Name, why, back}
}

// handLeadership makes another the leader of etcd before m's member restarts.
func (r *Run) handLeadership(ctx context.Context, m *machine) error {
	client, err := r.member(m)
	if err != nil {
		return err
	}
	return errors.Join(client.MoveLeader(ctx), client.Close())
}

// rollWorkers takes workers to their new States in batches, each emptied before.
func (r *Run) rollWorkers(ctx context.Context, workers []*machine) error {
	size := r.Cluster.Upgrade.Batch(len(r.Cluster.Workers()))
	for len(workers) > 0 {
		n := min(size, len(workers))
		err := r.eachStage("workers", workers[:n], func(m *machine, sink event.Sink) error { return r.rollWorker(ctx, m, sink) })
		if err != nil {
			return err
		}
		workers = workers[n:]
	}
	return nil
}

func (r *Run) rollWorker(ctx context.Context, m *machine, sink event.Sink) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	registered, err := client.NodeNames(ctx)
	if err != nil {
		return err
	}
	if !registered[m.node.Name] { // a new one, with nothing on it
		return m.agent.Converge(ctx, m.state, sink)
	}
	if err := client.Cordon(ctx, m.node.Name); err != nil {
		return err
	}
	if err := client.Drain(ctx, m.node.Name, r.Cluster.Upgrade.DrainTimeout); err != nil {
		return errors.Join(err, client.Uncordon(ctx, m.node.Name))
	}
	err = m.agent.Converge(ctx, part(m.state), sink)
	if err == nil {
		err = r.nodeGate(ctx, m, sink)
	}
	if err != nil && ctx.Err() == nil {
		err = r.putBack(ctx, m, sink, err)
		return errors.Join(err, client.Uncordon(ctx, m.node.Name))
	}
	if err != nil {
		return err
	}
	if err := m.agent.Converge(ctx, m.state, sink); err != nil {
		return err
	}
	return client.Uncordon(ctx, m.node.Name)
}
