package bootstrap

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
)

// errMachines ends the waiting for a cluster whose machines failed: their own errors say why.
var errMachines = errors.New("no longer waited for, since a machine failed")

// bringUp brings what machines lack to them, converges them and starts the cluster on them. In a cluster that serves,
// what the API holds follows what runs on the machines.
func (r *Run) bringUp(ctx context.Context, machines []*machine) error {
	switch {
	case r.taking:
		return r.bringUpTaken(ctx, machines)
	case r.anyServes(ctx):
		return r.rollOut(ctx, machines)
	}
	return r.bringUpAnew(ctx, machines)
}

// bringUpAnew is bringUp where nothing serves yet. What everybody waits for comes first: control planes and
// balancers. Workers follow when the API holds the cluster's objects, since before they would have nothing to join, and
// would take the operator's line, and in a lab disk and processors, from those that are waited for.
func (r *Run) bringUpAnew(ctx context.Context, machines []*machine) error {
	var first, workers []*machine
	for _, m := range machines {
		if m.node.Role == spec.Worker {
			workers = append(workers, m)
		} else {
			first = append(first, m)
		}
	}
	if err := r.send(ctx, first); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	converged, serves := make(chan struct{}), make(chan struct{})
	var machinesFailed, startFailed, workersFailed error
	var wg sync.WaitGroup
	wg.Go(func() {
		if machinesFailed = r.converge(ctx, first); machinesFailed != nil {
			cancel(errMachines)
		}
		close(converged)
	})
	wg.Go(func() {
		if startFailed = r.startCluster(ctx, converged, serves); startFailed != nil {
			cancel(errMachines)
		}
	})
	wg.Go(func() {
		select {
		case <-serves:
			workersFailed = r.bringWorkers(ctx, workers)
		case <-ctx.Done():
		}
	})
	wg.Wait()
	if machinesFailed != nil {
		return machinesFailed
	}
	return errors.Join(startFailed, workersFailed)
}

// send brings to machines what they lack.
func (r *Run) send(ctx context.Context, machines []*machine) error {
	return r.eachStage("payload", machines, func(m *machine, sink event.Sink) error {
		return m.agent.Send(ctx, r.bundle, m.changes, sink)
	})
}

// converge makes machines what their states say, all at once.
func (r *Run) converge(ctx context.Context, machines []*machine) error {
	return r.eachStage("machines", machines, func(m *machine, sink event.Sink) error {
		return m.agent.Converge(ctx, m.state, sink)
	})
}

// bringWorkers brings workers what they lack and converges them, each as fast as it can.
func (r *Run) bringWorkers(ctx context.Context, workers []*machine) error {
	return r.eachStage("workers", workers, func(m *machine, sink event.Sink) error {
		if err := m.agent.Send(ctx, r.bundle, m.changes, sink); err != nil {
			return err
		}
		return m.agent.Converge(ctx, m.state, sink)
	})
}

// anyServes reports whether some control plane is at work.
func (r *Run) anyServes(ctx context.Context) bool {
	var serving atomic.Bool
	_ = each(r.controlPlanes(), func(m *machine) error {
		if r.serves(ctx, m) {
			serving.Store(true)
		}
		return nil
	})
	return serving.Load()
}

// startCluster waits for the whole control plane and, as soon as one API server is ready, gives it the
// cluster's objects: the others need not be waited for. The time for either runs from converged. When the API holds
// them, serves is closed.
func (r *Run) startCluster(ctx context.Context, converged <-chan struct{}, serves chan<- struct{}) error {
	var up, objects error
	var wg sync.WaitGroup
	wg.Go(func() { up = r.controlPlaneUp(ctx, converged) })
	wg.Go(func() {
		if objects = r.applyObjects(ctx, converged); objects == nil {
			close(serves)
		}
	})
	wg.Wait()
	return errors.Join(up, objects)
}

// controlPlaneUp waits for every etcd member and every API server.
func (r *Run) controlPlaneUp(ctx context.Context, converged <-chan struct{}) error {
	var all []check.Condition
	for _, m := range r.controlPlanes() {
		all = append(all, r.whole(m)...)
	}
	return r.waitStage(ctx, "control-plane", converged, all...)
}

// applyObjects gives the API its objects, again until it takes them: a fresh server installs its own roles first.
func (r *Run) applyObjects(ctx context.Context, converged <-chan struct{}) error {
	objects, err := r.input().Objects()
	if err != nil {
		return err
	}
	objects = slices.DeleteFunc(objects, aggregated)
	return r.waitStage(ctx, "objects", converged, check.Condition{
		Name: "the API holds the cluster's objects",
		Test: func(ctx context.Context) error {
			client, err := r.anyAPI(ctx)
			if err != nil {
				return err
			}
			return client.Apply(ctx, objects)
		},
	})
}

// aggregated reports whether o hands a part of the API to a server that runs in the cluster. Until that
// server answers, whoever asks what the API offers, such as each controller that starts, waits for it in vain.
func aggregated(o *unstructured.Unstructured) bool { return o.GetKind() == "APIService" }

// registerAPIs gives the API the aggregated parts once what serves them runs.
func (r *Run) registerAPIs(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	if r.restore != nil && r.Here != "" {
		err = client.SystemReadyOn(ctx, r.Here)
	} else {
		err = client.SystemReady(ctx)
	}
	if err != nil {
		return err
	}
	objects, err := r.input().Objects()
	if err != nil {
		return err
	}
	return client.Apply(ctx, slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return !aggregated(o) }))
}

// waitStage waits for conditions as one stage, no longer than the run's timeout after since.
func (r *Run) waitStage(ctx context.Context, name string, since <-chan struct{}, conditions ...check.Condition) error {
	return r.stage(name, func(sink event.Sink) error {
		ctx, cancel := r.withinAfter(ctx, since)
		defer cancel()
		err := check.Wait(ctx, sink, conditions...)
		if err != nil && errors.Is(context.Cause(ctx), errMachines) {
			return errMachines
		}
		return err
	})
}
