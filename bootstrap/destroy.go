package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/statedir"
)

// Destroy takes the cluster off every machine, also those no longer declared, leaving them as they were found.
// etcd's data is moved aside on the machine unless purge says otherwise. The state directory is moved aside at the end.
func (r *Run) Destroy(ctx context.Context, purge bool) (moved string, err error) {
	if err := r.connect(ctx); err != nil {
		return "", err
	}
	// Known from then on, so that a machine which belongs to another cluster by now refuses.
	if r.certs, err = r.stored(); err != nil && !errors.Is(err, statedir.ErrEmpty) {
		return "", err
	}
	nodes, err := r.dir.Nodes()
	if err != nil {
		return "", err
	}
	declared := map[string]bool{}
	for _, m := range r.machines {
		declared[m.node.Name] = true
	}
	all := r.machines
	for _, n := range nodes {
		if !declared[n.Name] {
			m := &machine{node: n}
			if err := r.reach(ctx, m); err != nil {
				return "", err
			}
			r.gone = append(r.gone, m)
			all = append(all, m)
		}
	}
	err = r.eachStage("destroy", all, func(m *machine, sink event.Sink) error { return r.clean(ctx, m, purge, sink) })
	if err != nil {
		return "", err
	}
	return r.retire(time.Now())
}

// retire moves the state directory aside under a name that says when: it holds the keys to every backup.
func (r *Run) retire(now time.Time) (string, error) {
	aside := r.dir.Path() + ".destroyed-" + now.UTC().Format("20060102T150405Z")
	if err := os.Rename(r.dir.Path(), aside); err != nil {
		return "", fmt.Errorf("move the state directory aside: %w", err)
	}
	return aside, nil
}
