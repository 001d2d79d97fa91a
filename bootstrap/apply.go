package bootstrap

import (
	"context"
	"errors"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// Apply carries out p, which this Run's Plan gave, and waits until the cluster is whole. It may be
// interrupted at any moment: planning and applying again finishes.
func (r *Run) Apply(ctx context.Context, p *plan.Plan) (err error) {
	defer func() { err = errors.Join(err, r.keepTimings()) }()
	for _, text := range p.Warnings { // whoever only plans shows the plan, with its warnings
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: text})
	}
	// Remembered before anything is changed, so that a run cut off here is not forgotten either.
	if err := errors.Join(r.remember(), r.beginTakeBack()); err != nil {
		return err
	}
	if p.Empty() && !r.taking && r.rollout == nil && r.settled(ctx) == nil {
		return r.markApplied(ctx) // nothing to do, and all is well: do not wait for anything
	}
	if err := r.beginTakeOver(ctx); err != nil {
		return err
	}
	if err := r.keepBeforeMembers(ctx); err != nil {
		return err
	}
	if err := r.dropDead(ctx); err != nil {
		return err
	}
	if r.staying = r.membership.staying(r.certs.ClusterID()); len(r.staying) > 0 {
		if err := r.compareAll(ctx); err != nil {
			return err
		}
	}
	if err := r.bringUp(ctx, r.changed(r.machines)); err != nil {
		return err
	}
	if r.forgetful {
		if err := r.recallLate(ctx); err != nil {
			return err
		}
	}
	if err := r.rejoin(ctx); err != nil {
		return err
	}
	if err := r.removeGone(ctx); err != nil {
		return err
	}
	if len(r.staying) > 0 {
		if err := r.settleMembers(ctx); err != nil {
			return err
		}
	}
	if err := r.waitReady(ctx); err != nil {
		return err
	}
	if err := r.finishTakeOver(ctx); err != nil {
		return err
	}
	return errors.Join(r.finishRollout(ctx), r.markApplied(ctx))
}

// changed are those of machines that differ from their state.
func (r *Run) changed(machines []*machine) []*machine {
	var out []*machine
	for _, m := range machines {
		if len(m.changes) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// serves reports whether m is a control plane at work: then it must not be disturbed together with another.
func (r *Run) serves(ctx context.Context, m *machine) bool {
	return (m.taken || m.facts.Cluster == r.certs.ClusterID()) && (r.ready(ctx, m) == nil || r.voting(ctx, m) == nil)
}

// whole is what must hold of one control plane.
func (r *Run) whole(m *machine) []check.Condition {
	return []check.Condition{
		{Name: "etcd member votes", Node: m.node.Name, Test: func(ctx context.Context) error { return r.voting(ctx, m) }},
		{Name: "API server is ready", Node: m.node.Name, Test: func(ctx context.Context) error { return r.ready(ctx, m) }},
	}
}

// waitReady waits until every node is Ready and labelled, kube-system runs and the endpoint answers.
func (r *Run) waitReady(ctx context.Context) error {
	return r.stage("ready", func(sink event.Sink) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, r.readiness()...)
	})
}

func (r *Run) readiness() []check.Condition {
	conditions := []check.Condition{
		{Name: "every node is Ready", Test: r.nodesReady},
		{Name: "every pod of kube-system runs", Test: r.registerAPIs},
	}
	for _, wish := range r.wishes() {
		conditions = append(conditions, check.Condition{Name: "labels and taints are set", Node: wish.Name, Test: func(ctx context.Context) error {
			client, err := r.anyAPI(ctx)
			if err != nil {
				return err
			}
			return client.SetNode(ctx, wish)
		}})
	}
	if e := r.endpointCondition(); e != nil {
		conditions = append(conditions, *e)
	}
	return conditions
}

func (r *Run) nodesReady(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, m := range r.withRole(spec.ControlPlane, spec.Worker) {
		names = append(names, m.node.Name)
	}
	return client.NodesReady(ctx, names)
}

// settled is nil when the cluster is whole right now.
func (r *Run) settled(ctx context.Context) error {
	conditions := r.readiness()
	failures := make([]error, 0, len(conditions))
	for _, c := range conditions {
		failures = append(failures, c.Test(ctx))
	}
	return errors.Join(failures...)
}
