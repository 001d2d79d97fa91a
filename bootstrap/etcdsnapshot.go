package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

// Snapshotting says where a snapshot goes.
type Snapshotting struct {
	Path  string // "" for one in the state directory, named by the time
	Force bool   // replace what is there
}

// snapshotTries is how often a snapshot is taken again because its member has forgotten meanwhile what would have to be compared.
const snapshotTries = 3

// SnapshotEtcd keeps what etcd holds in a file of mode 0600 that is whole or not there: from a healthy follower if there is
// one, since a leader has more to do, or else from the leader; without quorum from the member that has come farthest. The file is checked by its sum,
// and by the hash of its data against what the member says of its own.
func (r *Run) SnapshotEtcd(ctx context.Context, how Snapshotting) (*status.Snapshot, error) {
	began := time.Now()
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	path, err := r.keptPath(how.Path, "snapshots", snapshotName(began), how.Force)
	if err != nil {
		return nil, err
	}
	from := q.givers()
	if len(from) == 0 {
		return nil, &QuorumError{"take a snapshot", q}
	}
	var taken *status.Snapshot
	err = r.stage("snapshot", func(sink event.Sink) error {
		if !q.hasQuorum() {
			sink.Emit(event.Event{Kind: event.Warning, Message: "etcd has no quorum: what only members that do not answer had written is not in the snapshot"})
		}
		taken, err = takeSnapshot(ctx, from, path, sink)
		return err
	})
	if err != nil {
		return nil, err
	}
	taken.Quorum, taken.Seconds = q.hasQuorum(), time.Since(began).Seconds()
	return taken, nil
}

// takeSnapshot takes it from the first member that gives one.
func takeSnapshot(ctx context.Context, from []*member, path string, sink event.Sink) (*status.Snapshot, error) {
	var reasons []error
	for _, e := range from {
		taken, err := e.snapshot(ctx, path, sink)
		if err == nil {
			return taken, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		reasons = append(reasons, &NodeError{e.name(), err})
	}
	return nil, errors.Join(reasons...)
}

// givers are the members that a snapshot may be taken from, the best first. A learner gives none.
func (q *membership) givers() []*member {
	if q.hasQuorum() {
		return q.well()
	}
	var best *member
	for _, e := range q.all {
		if e.answers() && !e.Learner && e.ID != 0 && (best == nil || e.seen.Applied > best.seen.Applied) {
			best = e
		}
	}
	if best == nil {
		return nil
	}
	return []*member{best}
}

// snapshot takes one from this member. Its data is compared as long as the member holds that revision, or else it is taken again.
func (e *member) snapshot(ctx context.Context, path string, sink event.Sink) (*status.Snapshot, error) {
	out := &status.Snapshot{Path: path, Member: e.name()}
	for try := 1; ; try++ {
		var stale error
		var told time.Time
		came := func(bytes int64) {
			if time.Since(told) > 200*time.Millisecond {
				told = time.Now()
				sink.Emit(event.Event{Kind: event.Progress, Node: e.name(), Subject: "snapshot", Done: bytes, Total: max(bytes, e.seen.DBSize)})
			}
		}
		size, err := e.client.SnapshotChecked(ctx, path, came, func(draft string) error {
			found, err := etcd.HashFile(draft)
			if err != nil {
				return err
			}
			out.Revision, out.Compacted, out.Hash = found.Revision, found.Compacted, sum(found)
			out.Compared, stale, err = e.holds(ctx, found)
			if stale != nil && try < snapshotTries {
				return stale
			}
			return err
		})
		if err != nil && stale != nil && errors.Is(err, stale) {
			sink.Emit(event.Event{Kind: event.Waiting, Node: e.name(), Subject: "snapshot", Message: "taken again: " + stale.Error()})
			continue
		}
		if err != nil {
			return nil, err
		}
		if stale != nil {
			sink.Emit(event.Event{Kind: event.Warning, Node: e.name(), Message: "the snapshot is whole by its sum; its data could not be compared with the member's: " + stale.Error()})
		}
		out.Bytes = size
		return out, nil
	}
}

// holds compares a snapshot's data with the member's at that revision. A stale one cannot be: the member is compacted since.
func (e *member) holds(ctx context.Context, found etcd.Hash) (compared bool, stale, err error) {
	own, err := e.client.HashKV(ctx, found.Revision)
	switch {
	case errors.Is(err, etcd.ErrCompacted):
		return false, err, nil
	case err != nil:
		return false, nil, err
	case !own.Comparable(found):
		return false, fmt.Errorf("the member is compacted at revision %d, the snapshot at %d", own.Compacted, found.Compacted), nil
	case own.Sum != found.Sum:
		return false, nil, fmt.Errorf("the snapshot's data is not what the member holds at revision %d: hash %s, and the member's is %s", found.Revision, sum(found), sum(own))
	}
	return true, nil, nil
}

// snapshotName is that of a snapshot taken at that time.
func snapshotName(at time.Time) string { return at.UTC().Format("20060102T150405Z") + ".db" }
