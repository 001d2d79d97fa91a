package bootstrap

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

// enter is what one machine at a time does. Its order keeps the cluster whole wherever it is cut off: first it is
// written that this machine may run, then the others' balancers know it, then its etcd member has a place without
// a vote, then it runs, and last it votes.
func (r *Run) enter(ctx context.Context, api *kube.Client, m *machine, j Joining) error {
	c, err := declaredIn(ctx, api.Typed, j.Bundle) // others may have entered while it waited, or begun to upgrade
	if err != nil {
		return err
	}
	if err := mayJoin(ctx, api.Typed, c, m.node.Name); err != nil {
		return err
	}
	if v := r.bundle.Manifest().Kubernetes; c.Kubernetes != v {
		return unfit(m.node.Name, fmt.Sprintf("the cluster was upgraded to Kubernetes %s while this machine waited, and its bundle is of %s", c.Kubernetes, v), "join again, with the bundle of "+c.Kubernetes)
	}
	if r.Cluster, err = withControlPlane(c, m.node); err != nil {
		return err
	}
	if err := r.keepState(m.node); err != nil {
		return err
	}
	if err := r.snapshotOfPeers(ctx, m); err != nil {
		return err
	}
	err = redeclare(ctx, api.Typed, func(c *spec.Cluster) error {
		grown, err := withControlPlane(c, m.node)
		if err == nil {
			*c = *grown
		}
		return err
	})
	if err != nil {
		return err
	}
	err = r.stage("balancers", func(sink event.Sink) error {
		return r.spreadBalancers(ctx, api, m.node.Name, m.agent.Path(), sink)
	})
	if err != nil {
		return err
	}
	if err := r.grow(ctx, m); err != nil {
		return err
	}
	return r.stage("ready", func(sink event.Sink) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		all := append(r.whole(m), check.Condition{Name: "the node is Ready", Node: m.node.Name, Test: r.nodesReady})
		for _, wish := range r.wishes() {
			all = append(all, check.Condition{Name: "labels and taints are set", Node: wish.Name, Test: func(ctx context.Context) error { return api.SetNode(ctx, wish) }})
		}
		if e := r.endpointCondition(); e != nil {
			all = append(all, *e)
		}
		return check.Wait(ctx, sink, all...)
	})
}

// grow adds this machine's etcd member as a learner, starts the machine, and lets the member vote as soon as it has
// caught up: its API server waits for that.
func (r *Run) grow(ctx context.Context, m *machine) error {
	var id uint64
	err := r.stage("etcd", func(event.Sink) (err error) {
		id, err = r.addMember(ctx, m)
		return err
	})
	if err != nil {
		return err
	}
	if m.state, err = r.wanted(r.input(), m.node); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.converge(ctx, r.machines) })
	g.Go(func() error {
		return r.stage("vote", func(sink event.Sink) error {
			return r.promote(ctx, m, id, sink, func(ctx context.Context) (*etcd.Client, []etcd.Member, error) { return r.quorum(ctx, m.node) })
		})
	})
	return g.Wait()
}
