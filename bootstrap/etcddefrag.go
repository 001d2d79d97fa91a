package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

// Defragmenting says when a member is worth it.
type Defragmenting struct {
	Threshold float64 // share of its database that can be freed, 0 to 1
	Least     int64   // bytes that can be freed
	All       bool    // whatever can be freed

	NoSnapshot bool // none is taken first
}

// pays reports whether a defragmentation would free enough.
func (d Defragmenting) pays(size, used int64) bool {
	free := size - used
	return d.All || free >= d.Least && float64(free) >= d.Threshold*float64(size)
}

// SickError is a member that is not healthy, where all must be.
type SickError struct {
	name string
	err  error
}

func (e *SickError) Error() string {
	return e.name + ": etcd's member is not healthy: " + e.err.Error()
}

// Node is the member's.
func (e *SickError) Node() string  { return e.name }
func (e *SickError) Unwrap() error { return e.err }

// Remedy is the way on.
func (e *SickError) Remedy() string {
	return "a member does not answer while it is defragmented, so the others must be well: slipway etcd status shows more"
}

// DefragmentEtcd gives back what members' databases do not use, one member at a time, the leader last, after it has handed its
// leadership to another; each is waited for. It refuses unless all voters are healthy. Cut off, it can be run again.
func (r *Run) DefragmentEtcd(ctx context.Context, how Defragmenting) ([]status.Defragmented, error) {
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.needQuorum("defragment"); err != nil {
		return nil, err
	}
	alarms, err := q.alarms(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range alarms {
		if a.Kind == corrupt {
			return nil, &CorruptError{what: "alarm CORRUPT of " + q.nameOf(a.Member) + ": nothing is rewritten before that is mended"}
		}
	}
	return r.defragment(ctx, q, how)
}

func (r *Run) defragment(ctx context.Context, q *membership, how Defragmenting) ([]status.Defragmented, error) {
	if err := q.allWell(); err != nil {
		return nil, err
	}
	order, done := q.well(), []status.Defragmented{}
	worth := func(e *member) bool { return how.pays(e.seen.DBSize, e.seen.DBSizeInUse) }
	if !how.NoSnapshot && slices.ContainsFunc(order, worth) { // it rewrites the only copy that a member has
		if _, err := r.snapshotBefore(ctx, q, beforeDefrag, orWithout); err != nil {
			return nil, err
		}
	}
	return done, r.stage("defragment", func(sink event.Sink) error {
		for _, e := range order {
			one, err := r.defragmentOne(ctx, q, e, how, event.On(sink, e.name(), "defragment"))
			if err != nil {
				return &NodeError{e.name(), err}
			}
			done = append(done, one)
		}
		return nil
	})
}

// allWell is nil while every voter is healthy.
func (q *membership) allWell() error {
	var sick []error
	for _, e := range q.all {
		if !e.healthy() && !e.Learner && e.ID != 0 {
			sick = append(sick, &SickError{e.name(), e.err})
		}
	}
	return errors.Join(sick...)
}

func (r *Run) defragmentOne(ctx context.Context, q *membership, e *member, how Defragmenting, sink event.Sink) (out status.Defragmented, err error) {
	if err := r.waitWell(ctx, q, sink); err != nil {
		return out, err
	}
	seen, err := e.client.Status(ctx)
	if err != nil {
		return out, err
	}
	out = status.Defragmented{Member: e.name(), Before: seen.DBSize, After: seen.DBSize}
	if !how.pays(seen.DBSize, seen.DBSizeInUse) {
		out.Skipped = fmt.Sprintf("%d of %d MiB could be freed, which is not worth it", (seen.DBSize-seen.DBSizeInUse)>>20, seen.DBSize>>20)
		return out, nil
	}
	if err := e.client.MoveLeader(ctx); err != nil {
		return out, err
	}
	sink.Emit(event.Event{Kind: event.Started, Subject: "database"})
	began := time.Now()
	if err := e.client.Defragment(ctx); err != nil {
		return out, err
	}
	out.Seconds = time.Since(began).Seconds()
	if err := r.waitWell(ctx, q, sink); err != nil {
		return out, err
	}
	if seen, err = e.client.Status(ctx); err != nil {
		return out, err
	}
	out.After, out.Freed = seen.DBSize, out.Before-seen.DBSize
	sink.Emit(event.Event{Kind: event.Changed, Subject: "database", Message: fmt.Sprintf("from %d to %d MiB in %.1f s", out.Before>>20, out.After>>20, out.Seconds)})
	return out, nil
}

// waitWell waits until every voter is healthy and has what the others have.
func (r *Run) waitWell(ctx context.Context, q *membership, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink, check.Condition{Name: "every member is healthy and up to date", Test: func(ctx context.Context) error {
		var newest uint64
		for _, e := range q.well() {
			e.look(ctx)
			newest = max(newest, e.seen.RaftIndex)
		}
		if err := q.allWell(); err != nil {
			q.revive(ctx)
			return err
		}
		for _, e := range q.well() {
			if behind := newest - min(newest, e.seen.Applied); behind > nearly {
				return fmt.Errorf("%s is %d entries behind", e.name(), behind)
			}
		}
		return nil
	}})
}

// nearly is by how many entries a member may be behind that has caught up: the others go on meanwhile.
const nearly = 500

// revive looks again at those voters that were not healthy.
func (q *membership) revive(ctx context.Context) {
	for _, e := range q.all {
		if !e.healthy() && !e.Learner && e.ID != 0 {
			e.look(ctx)
		}
	}
}
