package bootstrap

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// rollOut changes a cluster that serves without its ever ceasing to: of another version, a snapshot of etcd first, and what
// machines lack to all of them; then one control plane after the other, each waited for and put back if it does not come
// through; then what the API holds, and the workers in batches. On the way back it goes the other way round, since no kubelet
// may be newer than an API server.
func (r *Run) rollOut(ctx context.Context, machines []*machine) error {
	if err := r.keepSnapshot(ctx); err != nil {
		return err
	}
	if err := r.send(ctx, machines); err != nil {
		return err
	}
	if err := r.fetchAhead(ctx, machines); err != nil {
		return err
	}
	workers := slices.DeleteFunc(slices.Clone(machines), func(m *machine) bool { return m.node.Role != spec.Worker })
	if r.back() {
		if err := r.rollWorkers(ctx, workers); err != nil {
			return err
		}
		workers = nil
	}
	if err := r.rollOthers(ctx, slices.DeleteFunc(slices.Clone(machines), func(m *machine) bool { return m.node.Role == spec.Worker })); err != nil {
		return err
	}
	converged, serves := make(chan struct{}), make(chan struct{})
	close(converged)
	if err := r.startCluster(ctx, converged, serves); err != nil {
		return err
	}
	if r.rollout != nil {
		if err := r.systemSettles(ctx); err != nil {
			return err
		}
	}
	return r.rollWorkers(ctx, workers)
}

// back reports whether this run takes a change of version back.
func (r *Run) back() bool { return r.rollout != nil && r.rollout.Back }

// rollOthers changes control planes and balancers: those that do not serve first and all at once, since nothing is lost with
// them; then the others one by one.
func (r *Run) rollOthers(ctx context.Context, machines []*machine) error {
	var serving, idle []*machine
	for _, m := range machines {
		if r.membership.enters(m) {
			continue
		}
		if m.node.Role == spec.LoadBalancer && m.facts.Cluster != "" || m.node.Role == spec.ControlPlane && r.serves(ctx, m) {
			serving = append(serving, m)
		} else {
			idle = append(idle, m)
		}
	}
	if err := r.converge(ctx, idle); err != nil {
		return err
	}
	for _, m := range r.holderLast(serving) {
		do := r.rollControlPlane
		if m.node.Role == spec.LoadBalancer {
			do = r.rollBalancer
		}
		if err := r.eachStage(rollStage(m), []*machine{m}, func(m *machine, sink event.Sink) error { return do(ctx, m, sink) }); err != nil {
			return err
		}
	}
	return r.enterAll(ctx)
}

// holderLast puts the machine that has the shared address last: the address then moves once, to one that is done.
func (r *Run) holderLast(machines []*machine) []*machine {
	out := slices.Clone(machines)
	slices.SortStableFunc(out, func(a, b *machine) int { return cmp.Compare(r.held(a), r.held(b)) })
	return out
}

// held is 1 where the machine had the shared address when it was looked at.
func (r *Run) held(m *machine) int {
	if r.Cluster.LoadBalancer.Kind != spec.VIP {
		return 0
	}
	if _, has := m.facts.Addresses[r.Cluster.Endpoint.Addr().String()]; has {
		return 1
	}
	return 0
}

// rollStage is the stage that a machine is changed in.
func rollStage(m *machine) string {
	switch m.node.Role {
	case spec.Worker:
		return "workers"
	case spec.LoadBalancer:
		return "balancers"
	}
	return "control-planes"
}

// fetchAhead lets machines that are in a cluster take in the images that they will need: that is what takes long, and restarts nothing.
func (r *Run) fetchAhead(ctx context.Context, machines []*machine) error {
	var lacking []*machine
	for _, m := range machines {
		if m.facts.Cluster != "" && slices.ContainsFunc(m.changes, isImage) {
			lacking = append(lacking, m)
		}
	}
	return r.takeIn(ctx, lacking, func(m *machine) node.State {
		ahead := part(m.state)
		ahead.Resources = slices.DeleteFunc(slices.Clone(ahead.Resources), func(res node.Resource) bool { return res.Image == nil })
		return ahead
	})
}

// takeIn converges machines to what of their States can be had ahead. Images take processors and disks, so control planes and balancers
// that serve go one after the other, and the API is never slow on more than one of them; all others go at once beside them.
func (r *Run) takeIn(ctx context.Context, machines []*machine, ahead func(*machine) node.State) error {
	var serving sync.Mutex
	return r.eachStage("images", machines, func(m *machine, sink event.Sink) error {
		if m.node.Role != spec.Worker && m.facts.Cluster != "" {
			serving.Lock()
			defer serving.Unlock()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return m.agent.Converge(ctx, ahead(m), sink)
	})
}

// systemSettles waits until what the API holds for kube-system runs as it should.
func (r *Run) systemSettles(ctx context.Context) error {
	return r.stage("addons", func(sink event.Sink) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, check.Condition{Name: "every pod of kube-system runs", Test: r.registerAPIs})
	})
}

// part is s as a part: what of the machine s no longer has stays, to go back to.
func part(s node.State) node.State {
	s.Part = true
	return s
}
