package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
)

// brokenBy runs a drill that breaks etcd, of which there are at least so many voters, and all of them well. What a drill before has left
// on machines is ended first, and at the end, whatever became of it.
func (r *Run) brokenBy(ctx context.Context, name string, least int, d Drill, c course) (report *drill.Report, err error) {
	if n := len(r.Cluster.ControlPlanes()); n < least {
		return nil, r.Cluster.Refuse(spec.Objection{At: r.Cluster.Places.Cluster, Summary: "Too few control planes",
			Detail: fmt.Sprintf("The drill %s takes %d control planes, and the file declares %d: with fewer, etcd does not survive it.", name, least, n)})
	}
	if d.Node != "" && !slices.ContainsFunc(r.Cluster.ControlPlanes(), func(n spec.Node) bool { return n.Name == d.Node }) {
		return nil, &FlagError{"node", fmt.Errorf("%q is none of the control planes: %s", d.Node, names(r.Cluster.ControlPlanes()))}
	}
	if err := errors.Join(r.guardRestored(), r.guardRecovery(), r.guardChanging()); err != nil {
		return nil, err
	}
	if err := r.drillable(ctx); err != nil {
		return nil, r.unreached(ctx, err)
	}
	if err := r.mend(ctx); err != nil {
		return nil, err
	}
	if err := r.guardWell(ctx); err != nil {
		return nil, err
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
		defer cancel()
		err = errors.Join(err, r.mend(late))
	}()
	return r.underLoad(ctx, d, drill.Report{Drill: name}, c)
}

// guardChanging refuses while a change of version stands half way.
func (r *Run) guardChanging() error {
	var j rollout
	if _, err := r.dir.Get(rolloutFile, &j); err != nil || !j.under() {
		return err
	}
	return fmt.Errorf("a change from %s to %s stands half way, and a drill breaks only what is whole: slipway apply finishes it", j.From, j.To)
}

// mend ends what drills do to machines.
func (r *Run) mend(ctx context.Context) error {
	return r.eachStage("mend", r.controlPlanes(), func(m *machine, _ event.Sink) error { return m.agent.Mend(ctx) })
}

// guardWell refuses a cluster that is not whole: it might not survive, and what is seen would not be the drill's doing.
func (r *Run) guardWell(ctx context.Context) error {
	if err := r.guardQuorum(ctx, electing); err != nil {
		return err
	}
	return r.eachStage("health", r.controlPlanes(), func(m *machine, sink event.Sink) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // one that was cut off by a drill before needs a moment
		defer cancel()
		if err := check.Wait(ctx, sink, r.whole(m)...); err != nil {
			return unfit(m.node.Name, err.Error(), "a drill breaks only what is whole: slipway status tells what is wrong")
		}
		return nil
	})
}

// leading is the machine of etcd's leader.
func (r *Run) leading(ctx context.Context) (*machine, error) {
	var reasons []error
	for _, m := range r.controlPlanes() {
		client, err := r.member(m)
		if err != nil {
			return nil, err
		}
		s, err := client.Status(ctx)
		if err == nil && s.ID == s.Leader {
			return m, client.Close()
		}
		reasons = append(reasons, err, client.Close())
	}
	return nil, errors.Join(append([]error{errors.New("no etcd member leads")}, reasons...)...)
}

// giveBack takes back what was done to the victims, whatever came of it, broke, and also when it was interrupted; then it waits until they
// are whole.
func (d *drilling) giveBack(ctx context.Context, stage string, broke error) error {
	after := context.WithoutCancel(ctx)
	mended := d.eachStage(stage, d.victims, func(m *machine, _ event.Sink) error { return m.agent.Mend(after) })
	d.rec.Mended()
	if err := errors.Join(broke, mended); err != nil {
		return err
	}
	return d.comeBack(ctx, d.victims)
}

// comeBack waits until the victims are whole and their nodes Ready, and notes that they are.
func (d *drilling) comeBack(ctx context.Context, machines []*machine) error {
	err := d.eachStage("come back", machines, func(m *machine, sink event.Sink) error {
		ctx, cancel := d.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, append(d.whole(m), check.Condition{
			Name: "the node is Ready", Node: m.node.Name, Test: func(ctx context.Context) error { return d.nodesReadyOf(ctx, m) },
		})...)
	})
	if err == nil {
		d.rec.Whole()
	}
	return err
}

// named are the names of machines.
func named(machines []*machine) (out []string) {
	for _, m := range machines {
		out = append(out, m.node.Name)
	}
	return out
}
