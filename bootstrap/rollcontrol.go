package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// rollControlPlane takes one control plane that serves to its new State, or back to what it was.
func (r *Run) rollControlPlane(ctx context.Context, m *machine, sink event.Sink) error {
	if !felt(m.changes) {
		if err := m.agent.Converge(ctx, m.state, sink); err != nil {
			return err
		}
		return r.gate(ctx, m, sink)
	}
	if err := r.dispensable(ctx, m, sink); err != nil {
		return err
	}
	well := r.nodeWell(ctx, m)
	if err := r.handOver(ctx, m, sink); err != nil {
		return err
	}
	err := r.throughParts(ctx, m, sink)
	if err == nil && well {
		err = r.nodeGate(ctx, m, sink)
	}
	return errors.Join(r.conclude(ctx, m, sink, err), r.yield(context.WithoutCancel(ctx), m, 0))
}

// throughParts converges without taking away what was there, and waits behind each step. On the way up static pods come first,
// under the kubelet that runs; on the way back they come last, since no kubelet may be newer than its API server.
func (r *Run) throughParts(ctx context.Context, m *machine, sink event.Sink) error {
	steps := []node.State{part(m.state)}
	switch {
	case r.back():
		steps = []node.State{withoutPods(m.state), part(m.state)}
	case changesPods(m.changes) && restartsKubelet(m.changes):
		steps = []node.State{withoutKubelet(m.state), part(m.state)}
	}
	for i, s := range steps {
		if err := m.agent.Converge(ctx, s, sink); err != nil {
			return err
		}
		if i == 0 && r.back() { // its pods are still those of before
			if err := r.waitWhole(ctx, m, sink); err != nil {
				return err
			}
			continue
		}
		if err := r.gate(ctx, m, sink); err != nil {
			return err
		}
	}
	return nil
}

// rollBalancer changes a machine that is nothing but a balancer. Another has the address meanwhile.
func (r *Run) rollBalancer(ctx context.Context, m *machine, sink event.Sink) error {
	if !felt(m.changes) {
		return m.agent.Converge(ctx, m.state, sink)
	}
	if err := r.yield(ctx, m, yieldFor); err != nil {
		return err
	}
	err := m.agent.Converge(ctx, part(m.state), sink)
	if err == nil {
		err = r.podsGate(ctx, m, sink)
	}
	return errors.Join(r.conclude(ctx, m, sink, err), r.yield(context.WithoutCancel(ctx), m, 0))
}

// dispensable waits until etcd keeps its quorum without m's member, which is about to restart. Where it cannot, as with
// one or two members, there is nothing to wait for.
func (r *Run) dispensable(ctx context.Context, m *machine, sink event.Sink) error {
	others := slices.DeleteFunc(append(r.controlPlanes(), r.membership.gone...), func(o *machine) bool {
		return o == m || r.membership.enters(o) || o.host == nil
	})
	need := (len(others)+1)/2 + 1
	if len(others) < need || !slices.ContainsFunc(m.changes, func(c node.Change) bool { return restartsEtcd(c.ID) }) {
		return nil
	}
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink, check.Condition{Name: "etcd can do without this member", Node: m.node.Name, Test: func(ctx context.Context) error {
		failures := make([]error, len(others))
		votes := 0
		for i, o := range others {
			if failures[i] = r.voting(ctx, o); failures[i] == nil {
				votes++
			}
		}
		if votes >= need {
			return nil
		}
		return fmt.Errorf("of the other members only %d vote, and %d must: %w", votes, need, errors.Join(failures...))
	}})
}

// restartsEtcd: its own manifest, and the kubelet's runtime.
func restartsEtcd(id string) bool {
	return id == "file "+etcdManifest || id == "unit containerd.service"
}

// handOver moves off m what others have to wait for when it stops: the shared address, and etcd's leadership.
func (r *Run) handOver(ctx context.Context, m *machine, sink event.Sink) error {
	if changesPods(m.changes) {
		if err := r.yield(ctx, m, yieldFor); err != nil {
			sink.Emit(event.Event{Kind: event.Warning, Message: err.Error()}) // it moves when the balancer stops
		}
	}
	if !slices.ContainsFunc(m.changes, func(c node.Change) bool { return restartsEtcd(c.ID) }) || r.voting(ctx, m) != nil {
		return nil
	}
	client, err := r.member(m)
	if err != nil {
		return err
	}
	return errors.Join(client.MoveLeader(ctx), client.Close())
}

// yieldFor is how long another keeps the address if nobody comes back to say that it may return.
const yieldFor = 10 * time.Minute

// yield lets another machine have the shared address for a while, or with 0 ends that. Where no other could, nothing is done.
func (r *Run) yield(ctx context.Context, m *machine, long time.Duration) error {
	holders := slices.DeleteFunc(r.Cluster.LoadBalancers(), func(n spec.Node) bool { return r.membership.entersNode(n.Name) })
	if r.Cluster.LoadBalancer.Kind != spec.VIP || len(holders) < 2 ||
		!slices.ContainsFunc(holders, func(n spec.Node) bool { return n.Name == m.node.Name }) {
		return nil
	}
	return m.agent.Yield(ctx, node.Yield{File: components.YieldFile, Address: r.Cluster.Endpoint.Addr(), For: long})
}
