package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// rolloutFile is the journal of a change of version: it is there from before the first step, so that a run after one
// that was cut off goes on where that stood, and it stays afterwards, for whoever wants to go back.
const rolloutFile = "rollout"

// rollout is a change of version.
type rollout struct {
	From     string     `json:"from"`
	To       string     `json:"to"`
	Begun    time.Time  `json:"begun"`
	Snapshot string     `json:"snapshot,omitempty"` // of etcd, before anything was changed
	Forms    kube.Forms `json:"forms,omitzero"`     // what API servers of From can read
	Back     bool       `json:"back,omitempty"`     // it is being taken back, from To to From
	Finished time.Time  `json:"finished,omitzero"`
}

// under reports whether it stands half way.
func (j *rollout) under() bool { return !j.Begun.IsZero() && j.Finished.IsZero() }

// guardVersion refuses a version that the cluster cannot go to from the one that it has, and any but its own while a change
// of version stands half way.
func (r *Run) guardVersion(was string) ([]spec.Objection, error) {
	var j rollout
	if _, err := r.dir.Get(rolloutFile, &j); err != nil {
		return nil, err
	}
	if r.TakeBack {
		return nil, r.takeBack(&j, was)
	}
	now := r.Cluster.Kubernetes
	at := spec.Objection{At: r.Cluster.Places.Kubernetes, Summary: "Changed version"}
	switch {
	case j.under() && j.Back:
		at.Detail = fmt.Sprintf("The change from %s to %s is being taken back, and stands half way: slipway rollback finishes it.", j.From, j.To)
	case j.under() && now == j.From:
		at.Detail = fmt.Sprintf("A change from %s to %s stands half way, and the file says %s. Write kubernetes = %q and apply, which finishes it, or take it back with slipway rollback.", j.From, j.To, now, j.To)
	case j.under() && now != j.To:
		at.Detail = fmt.Sprintf("A change from %s to %s stands half way, and the file says %s. Write kubernetes = %q and apply, which finishes it.", j.From, j.To, now, j.To)
	case j.under():
		r.rollout = &j
	case was == "" || was == now:
	default:
		if at.Detail = hop(was, now); at.Detail == "" {
			r.rollout = &rollout{From: was, To: now}
		}
	}
	if at.Detail != "" {
		return []spec.Objection{at}, nil
	}
	return nil, nil
}

// keepSnapshot keeps what etcd holds in the state directory, once per change of version, before anything changes, and what
// the API servers of before know, to tell whether they could read what those to come will have written.
func (r *Run) keepSnapshot(ctx context.Context) error {
	if r.rollout == nil || r.rollout.Snapshot != "" {
		return nil
	}
	if r.rollout.Begun.IsZero() {
		r.rollout.Begun = time.Now().UTC().Truncate(time.Second)
	}
	return r.stage("snapshot", func(sink event.Sink) error {
		client, err := r.anyAPI(ctx)
		if err != nil {
			return err
		}
		if r.rollout.Forms, err = client.Forms(ctx); err != nil {
			return err
		}
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
				r.rollout.Snapshot, r.kept = path, path
				return r.dir.Put(rolloutFile, r.rollout)
			}
			reasons = append(reasons, &NodeError{m.node.Name, err})
		}
		return fmt.Errorf("no member of etcd gave a snapshot, and nothing was changed: %w", errors.Join(reasons...))
	})
}

func (r *Run) snapshotOf(ctx context.Context, m *machine, path string) (int64, error) {
	client, err := r.memberOf(m)
	if err != nil {
		return 0, err
	}
	size, err := client.Snapshot(ctx, path)
	return size, errors.Join(err, client.Close())
}

// finishRollout ends a change of version once all of the cluster is whole.
func (r *Run) finishRollout(ctx context.Context) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	if err := client.Uncordon(ctx); err != nil { // those of a run that was cut off
		return err
	}
	if r.rollout == nil {
		return nil
	}
	r.rollout.Finished = time.Now().UTC().Truncate(time.Second)
	return errors.Join(r.dir.Put(rolloutFile, r.rollout), r.dir.Put(appliedFile, wished(r.Cluster)))
}

// applying is what the cluster was made with, as long as a change of version is not finished.
func (r *Run) applying() applied {
	w := wished(r.Cluster)
	switch {
	case r.rollout == nil:
	case r.rollout.Back:
		w.Kubernetes = r.rollout.To
	default:
		w.Kubernetes = r.rollout.From
	}
	return w
}

// statusRollout tells of a change of version that stands half way.
func (r *Run) statusRollout(s *status.Status) error {
	if r.Here != "" {
		r.statusChange(s)
		return nil
	}
	var j rollout
	if _, err := r.dir.Get(rolloutFile, &j); err != nil || !j.under() {
		return err
	}
	p := status.Problem{What: fmt.Sprintf("a change from Kubernetes %s to %s, begun %s, stands half way", j.From, j.To, j.Begun.Format(time.DateTime)),
		Remedy: fmt.Sprintf("slipway apply with kubernetes = %q finishes it, slipway rollback takes it back", j.To)}
	if j.Back {
		p.What, p.Remedy = fmt.Sprintf("a change from Kubernetes %s to %s is being taken back, and stands half way", j.From, j.To), "slipway rollback finishes that"
	}
	s.Problems = append(s.Problems, p)
	return nil
}
