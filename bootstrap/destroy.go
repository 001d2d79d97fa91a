package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/statedir"
)

// Destruction says how Destroy goes about it.
type Destruction struct {
	Purge           bool // delete etcd's data on the machines, which is otherwise moved aside there
	SkipUnreachable bool // leave machines that do not answer as they are, and do the others
}

// SkippedError are the machines that Destroy left as they are. Everything else was done.
type SkippedError struct{ names []string }

func (e *SkippedError) Error() string {
	return "left as they are, since they do not answer: " + strings.Join(e.names, ", ")
}

// Remedy is what to do when they answer again.
func (e *SkippedError) Remedy() string {
	return "they still have their certificates, and what ran there starts again with them: destroy again when they answer, or keep them off the network and install them anew"
}

// skippable is a machine that does not answer, for a verb that could do without it.
type skippable struct{ error }

func (s skippable) Unwrap() error { return s.error }

// Remedy is the other way out, beside bringing the machine back.
func (s skippable) Remedy() string {
	return "nothing was changed anywhere; bring the machine back, or add --skip-unreachable to leave it as it is and take the cluster off the others"
}

// Destroy takes the cluster off every machine, also those no longer declared, leaving them as they were found. The
// state directory is moved aside at the end. Machines that were skipped are a *SkippedError, beside moved, and
// are remembered in a new state directory, so that destroying again finds them.
func (r *Run) Destroy(ctx context.Context, how Destruction) (moved string, err error) {
	// Known from then on, so that a machine which belongs to another cluster by now refuses.
	if r.certs, err = r.stored(); err != nil && !errors.Is(err, statedir.ErrEmpty) {
		return "", err
	}
	if err := r.everyMachine(); err != nil {
		return "", err
	}
	skipped, err := r.reachMost(ctx, how.SkipUnreachable)
	if err != nil {
		return "", err
	}
	reached := slices.DeleteFunc(append(slices.Clone(r.machines), r.gone...), func(m *machine) bool { return m.host == nil })
	err = r.eachStage("destroy", reached, func(m *machine, sink event.Sink) error { return r.clean(ctx, m, how.Purge, sink) })
	if err != nil {
		return "", err
	}
	if moved, err = r.retire(time.Now()); err != nil || len(skipped) == 0 {
		return moved, err
	}
	return moved, r.leave(skipped)
}

// everyMachine lists the machines that are declared, were applied, or left before without being cleaned.
func (r *Run) everyMachine() error {
	nodes, left, err := r.undeclaredNodes()
	if err != nil {
		return err
	}
	for _, n := range r.Cluster.Nodes {
		r.machines = append(r.machines, &machine{node: n})
	}
	for _, n := range nodes {
		r.gone = append(r.gone, &machine{node: n})
	}
	for _, l := range left {
		i := slices.IndexFunc(r.machines, func(m *machine) bool { return m.node.Address == l.Address })
		if i < 0 {
			r.gone = append(r.gone, &machine{node: l.Node, left: l.Cluster})
		} else if r.certs.ClusterID() == "" {
			r.machines[i].left = l.Cluster
		}
	}
	return nil
}

// reachMost connects to all machines. With skip those that do not answer are given back instead of failing, but
// not all: then nothing would be done. A machine that answers and refuses is no unreachable one.
func (r *Run) reachMost(ctx context.Context, skip bool) (skipped []*machine, err error) {
	all := append(slices.Clone(r.machines), r.gone...)
	err = r.stage("connect", func(event.Sink) error {
		return each(all, func(m *machine) error {
			err := r.reach(ctx, m)
			if silent := new(host.UnreachableError); errors.As(err, &silent) && ctx.Err() == nil {
				m.unreached = err
				err = skippable{err}
			}
			if skip && m.unreached != nil {
				return nil
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.unreached != nil {
			skipped = append(skipped, m)
		}
	}
	if len(skipped) == len(all) {
		return nil, fmt.Errorf("no machine answers, so nothing was changed: %w", each(all, func(m *machine) error { return m.unreached }))
	}
	return skipped, nil
}

// retire moves the state directory aside under a name that says when: it holds the keys to every backup.
func (r *Run) retire(now time.Time) (string, error) {
	aside := r.dir.Path() + ".destroyed-" + now.UTC().Format("20060102T150405Z")
	return aside, r.dir.MoveAside(aside)
}

// leave remembers skipped machines in a new state directory, and is the *SkippedError about them.
func (r *Run) leave(skipped []*machine) error {
	var names []string
	var left []statedir.Left
	for _, m := range skipped {
		names = append(names, fmt.Sprintf("%s (%s)", m.node.Name, m.node.Address))
		if id := cmp.Or(m.left, r.certs.ClusterID()); id != "" { // what was never applied need not be cleaned
			left = append(left, statedir.Left{Node: m.node, Cluster: id})
		}
	}
	var err error
	if r.dir, err = statedir.Open(r.Cluster.StateDir); err != nil {
		return err
	}
	return errors.Join(r.dir.PutNodes(nil, left...), &SkippedError{names})
}
