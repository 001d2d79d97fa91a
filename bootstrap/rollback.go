package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/preflight"
)

// NothingToTakeBackError is a cluster whose version was not changed by the last rollout that the state directory knows.
type NothingToTakeBackError struct{ Why string }

func (e *NothingToTakeBackError) Error() string { return "nothing to take back: " + e.Why }

// Remedy is the way on.
func (e *NothingToTakeBackError) Remedy() string {
	return "slipway rollback undoes a change of the Kubernetes version; other settings go back with the file as it was, and slipway apply"
}

// takeBack makes the run one from the journal's To back to its From.
func (r *Run) takeBack(j *rollout, was string) error {
	switch {
	case j.Begun.IsZero():
		return &NothingToTakeBackError{"the version of this cluster was never changed from here"}
	case j.Back && !j.Finished.IsZero():
		return &NothingToTakeBackError{fmt.Sprintf("the change from %s to %s was taken back already", j.From, j.To)}
	case !j.under() && was != j.To:
		return &NothingToTakeBackError{fmt.Sprintf("the cluster runs %s, and the last change was from %s to %s", was, j.From, j.To)}
	}
	j.Back, j.Finished = true, time.Time{}
	r.rollout = j
	c := *r.Cluster
	c.Kubernetes, c.Bundle = j.From, bundleOf(c.Bundle, j.To, j.From)
	r.Cluster = &c
	return nil
}

// bundleOf is the bundle of a version beside that of another; "" to look for it where bundles lie.
func bundleOf(path, was, wanted string) string {
	if !strings.Contains(filepath.Base(path), was) {
		return path
	}
	beside := filepath.Join(filepath.Dir(path), strings.ReplaceAll(filepath.Base(path), was, wanted))
	if _, err := os.Stat(beside); err != nil {
		return ""
	}
	return beside
}

// TakesBack are the versions between which a run with TakeBack goes, once it has a Plan.
func (r *Run) TakesBack() (from, to string) {
	if r.rollout == nil {
		return "", ""
	}
	return r.rollout.To, r.rollout.From
}

// guardTakeBack refuses the way back when API servers of the version before could not read what is stored by now.
func (r *Run) guardTakeBack(ctx context.Context) error {
	return r.stage("guards", func(event.Sink) error {
		var found []error
		for _, m := range r.controlPlanes() {
			client, err := r.api(m)
			if err != nil {
				return err
			}
			if client.Ready(ctx) != nil {
				continue // what it wrote, another can tell of
			}
			unknown, err := client.StoredBeyond(ctx, r.rollout.Forms)
			if err != nil {
				return &NodeError{m.node.Name, err}
			}
			for _, kind := range unknown {
				found = append(found, &UnfitError{preflight.Finding{
					Node: m.node.Name, What: fmt.Sprintf("its API server stores %s, which Kubernetes %s cannot read", kind, r.rollout.From),
					Remedy: "the cluster cannot go back with its data; what it held before is in " + r.rollout.Snapshot,
				}})
			}
		}
		return errors.Join(found...)
	})
}

// beginTakeBack writes down that it has begun.
func (r *Run) beginTakeBack() error {
	if !r.back() {
		return nil
	}
	return r.dir.Put(rolloutFile, r.rollout)
}
