package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

// RecoverSpace makes an etcd that ran out of space take writes again: what is superseded is forgotten, members are
// defragmented one by one, alarms are taken back, and a write is tried. https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota
// It may be cut off and run again.
// What etcd holds is kept first, history and all, unless noSnapshot.
func (r *Run) RecoverSpace(ctx context.Context, noSnapshot bool) ([]status.Defragmented, error) {
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.needQuorum("recover space"); err != nil {
		return nil, err
	}
	if err := q.allWell(); err != nil { // or members could not be defragmented, after history is gone
		return nil, err
	}
	if !noSnapshot {
		if _, err := r.snapshotBefore(ctx, q, beforeSpace, orWithout); err != nil {
			return nil, err
		}
	}
	err = r.stage("compact", func(sink event.Sink) error { return q.compact(ctx, sink) })
	if err != nil {
		return nil, err
	}
	done, err := r.defragment(ctx, q, Defragmenting{All: true, NoSnapshot: true})
	if err != nil {
		return done, err
	}
	if err := q.hasRoom(ctx); err != nil {
		return done, err
	}
	if err := r.stage("disarm", func(sink event.Sink) error { return q.disarm(ctx, sink) }); err != nil {
		return done, err
	}
	return done, r.stage("write", func(sink event.Sink) error {
		within, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(within, sink, check.Condition{Name: "etcd takes a write", Test: q.well()[0].client.TryWrite})
	})
}

// compact forgets all but the newest of each key. Watches of the API servers that are behind are begun again by their clients,
// as after every compaction of their own.
func (q *membership) compact(ctx context.Context, sink event.Sink) error {
	client := q.well()[0].client
	seen, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if err := client.Compact(ctx, seen.Revision); err != nil {
		return err
	}
	sink.Emit(event.Event{Kind: event.Changed, Subject: "history", Message: fmt.Sprintf("forgotten before revision %d", seen.Revision)})
	return nil
}

// FullError is a database that is too large for its quota with nothing in it that could be given back.
type FullError struct{ name, what string }

func (e *FullError) Error() string { return e.name + ": " + e.what }

// Node is the member's.
func (e *FullError) Node() string { return e.name }

// Remedy is the way on.
func (e *FullError) Remedy() string {
	return "raise the quota (etcd { quota_gib = … } in the cluster's file, then slipway apply), or delete objects through the API once alarms are disarmed: deleting takes no room"
}

// hasRoom refuses to take alarms back that would be raised again at the next write.
func (q *membership) hasRoom(ctx context.Context) error {
	var full []error
	for _, e := range q.well() {
		seen, err := e.client.Status(ctx)
		if err != nil {
			return err
		}
		if seen.Quota > 0 && seen.DBSize >= seen.Quota {
			full = append(full, &FullError{e.name(), fmt.Sprintf("its database is of %d MiB, all of it in use, and its quota %d MiB", seen.DBSize>>20, seen.Quota>>20)})
		}
	}
	return errors.Join(full...)
}
