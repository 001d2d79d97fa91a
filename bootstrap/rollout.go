package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// rolloutFile is the journal of a change of version: it is there from before the first step until after the last, so that
// a run after one that was cut off goes on where that stood.
const rolloutFile = "rollout"

// rollout is a change of version under way.
type rollout struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	Begun    time.Time `json:"begun"`
	Snapshot string    `json:"snapshot,omitempty"` // of etcd, before anything was changed
}

// guardVersion refuses a version that the cluster cannot go to from the one that it has, and any but its own while a change
// of version stands half way.
func (r *Run) guardVersion(was string) ([]spec.Objection, error) {
	var j rollout
	under, err := r.dir.Get(rolloutFile, &j)
	if err != nil {
		return nil, err
	}
	now := r.Cluster.Kubernetes
	at := spec.Objection{At: r.Cluster.Places.Kubernetes, Summary: "Changed version"}
	switch {
	case under && now != j.To:
		at.Detail = fmt.Sprintf("A change from %s to %s stands half way, and the file says %s. Write kubernetes = %q and apply, which finishes it.", j.From, j.To, now, j.To)
		return []spec.Objection{at}, nil
	case under:
		r.rollout = &j
		return nil, nil
	case was == "" || was == now:
		return nil, nil
	}
	if at.Detail = hop(was, now); at.Detail != "" {
		return []spec.Objection{at}, nil
	}
	r.rollout = &rollout{From: was, To: now}
	return nil, nil
}

// rollOut takes a cluster that serves to another version: a snapshot of etcd first, what machines lack to all of them, then
// one control plane after the other, what the API holds, and the workers.
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
	var workers []*machine
	for _, m := range machines {
		if m.node.Role == spec.Worker {
			workers = append(workers, m)
			continue
		}
		err := r.eachStage("control-planes", []*machine{m}, func(m *machine, sink event.Sink) error { return r.rollControlPlane(ctx, m, sink) })
		if err != nil {
			return err
		}
	}
	converged, serves := make(chan struct{}), make(chan struct{})
	close(converged)
	if err := r.startCluster(ctx, converged, serves); err != nil {
		return err
	}
	if err := r.systemSettles(ctx); err != nil {
		return err
	}
	return r.rollWorkers(ctx, workers)
}

// keepSnapshot keeps what etcd holds in the state directory, once per change of version, before anything changes.
func (r *Run) keepSnapshot(ctx context.Context) error {
	if r.rollout.Begun.IsZero() {
		r.rollout.Begun = time.Now().UTC().Truncate(time.Second)
	}
	if r.rollout.Snapshot != "" {
		return nil
	}
	return r.stage("snapshot", func(sink event.Sink) error {
		dir := filepath.Join(r.dir.Path(), "snapshots")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		path := filepath.Join(dir, fmt.Sprintf("%s-before-%s.db", r.rollout.Begun.Format("20060102T150405Z"), r.rollout.To))
		var reasons []error
		for _, m := range r.controlPlanes() {
			size, err := r.snapshotOf(ctx, m, path)
			if err == nil {
				sink.Emit(event.Event{Kind: event.Changed, Node: m.node.Name, Subject: "snapshot", Message: fmt.Sprintf("%s, %d bytes", path, size)})
				r.rollout.Snapshot = path
				return r.dir.Put(rolloutFile, r.rollout)
			}
			reasons = append(reasons, &NodeError{m.node.Name, err})
		}
		return fmt.Errorf("no member of etcd gave a snapshot, and nothing was changed: %w", errors.Join(reasons...))
	})
}

func (r *Run) snapshotOf(ctx context.Context, m *machine, path string) (int64, error) {
	client, err := r.member(m)
	if err != nil {
		return 0, err
	}
	size, err := client.Snapshot(ctx, path)
	return size, errors.Join(err, client.Close())
}

// fetchAhead lets all machines take in the images that they will need, at once: that is what takes long, and disturbs nothing.
func (r *Run) fetchAhead(ctx context.Context, machines []*machine) error {
	return r.eachStage("images", machines, func(m *machine, sink event.Sink) error {
		ahead := m.state
		ahead.Part, ahead.Resources = true, nil
		for _, res := range m.state.Resources {
			if res.Image != nil {
				ahead.Resources = append(ahead.Resources, res)
			}
		}
		return m.agent.Converge(ctx, ahead, sink)
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

// finishRollout ends a change of version once all of the cluster is whole.
func (r *Run) finishRollout(ctx context.Context) error {
	if r.rollout == nil {
		return nil
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	if err := client.Uncordon(ctx); err != nil { // those of a run that was cut off
		return err
	}
	r.rollout = nil
	return errors.Join(r.dir.Put(appliedFile, wished(r.Cluster)), r.dir.Drop(rolloutFile))
}

// applying is what the cluster was made with, as long as a change of version is not finished.
func (r *Run) applying() applied {
	w := wished(r.Cluster)
	if r.rollout != nil {
		w.Kubernetes = r.rollout.From
	}
	return w
}

// part is s as a part: what of the machine s no longer has stays, to go back to.
func part(s node.State) node.State {
	s.Part = true
	return s
}
