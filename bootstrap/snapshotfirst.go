package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// What a snapshot may be taken before; its file is named after it.
const (
	beforeMembers = "members" // come or go, as the file says
	beforeRemove  = "remove"  // of a member by hand
	beforeSpace   = "space"   // is made by forgetting history
	beforeDefrag  = "defrag"
	beforeRestore = "restore" // of another state, over a cluster that serves
)

// orWithout is how the verbs of etcd do without.
const orWithout = "; --no-snapshot goes on without"

// SnapshotError is a cluster with a quorum of which no snapshot could be taken, before something that had better not be done without.
type SnapshotError struct {
	dir  string
	err  error
	skip string // how it is done without, for the remedy; "" for not at all
}

func (e *SnapshotError) Error() string {
	return fmt.Sprintf("no snapshot of etcd could be taken first, and nothing was changed: %v", e.err)
}
func (e *SnapshotError) Unwrap() error { return e.err }

// Remedy is the way on.
func (e *SnapshotError) Remedy() string {
	return "slipway etcd snapshot shows what it fails for; in " + e.dir + " it needs twice the room of the database" + e.skip
}

// Kept is the snapshot of etcd that this run has taken before it changed anything; "" for none.
func (r *Run) Kept() string { return r.kept }

// snapshotFirst keeps what etcd holds in the state directory before an act that costs data if it goes wrong, and returns the file;
// before is one of the words above. It asks the control planes that are declared or were, and those that are given besides. Where none
// of them votes, nothing decided can be had: that is told with a warning, and path is "". An error means that there is a quorum and no
// snapshot all the same; nothing was changed yet. Within one run it is taken once, also by a change of version.
func (r *Run) snapshotFirst(ctx context.Context, before string, besides ...*machine) (path string, err error) {
	if r.kept != "" {
		return r.kept, nil
	}
	q, why := r.givingMembers(ctx, append(r.planes(), besides...))
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	if len(q.well()) == 0 {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: fmt.Sprintf("no snapshot of etcd is taken before the change (%s), since no member has a quorum: %v", before, why)})
		return "", nil
	}
	return r.snapshotBefore(ctx, q, before, "")
}

// givingMembers looks at the members on machines of this cluster. The error tells of those that do not vote why.
func (r *Run) givingMembers(ctx context.Context, machines []*machine) (*membership, error) {
	q, of, asked := &membership{}, map[*machine]*member{}, []*machine(nil)
	for _, m := range machines {
		if !r.elsewhere(m) && (m.host == nil || r.Here == "" && m.facts.Cluster != r.certs.ClusterID()) {
			continue
		}
		client, err := r.memberOf(m)
		if err != nil {
			return q, &NodeError{m.node.Name, err}
		}
		r.clients, asked, of[m] = append(r.clients, client), append(asked, m), &member{m: m, client: client}
		q.all = append(q.all, of[m])
	}
	if len(asked) == 0 {
		return q, errors.New("no control plane of this cluster answers")
	}
	return q, each(asked, func(m *machine) error { return of[m].vote(ctx) })
}

// vote looks whether the member votes.
func (e *member) vote(ctx context.Context) error {
	if e.seen, e.err = e.client.Status(ctx); e.err == nil {
		e.ID, e.err = e.seen.ID, e.client.Voting(ctx)
	}
	return e.err
}

// snapshotBefore takes it from one of the members that vote, and lets the oldest of those that were taken so go. skip is how it is
// done without.
func (r *Run) snapshotBefore(ctx context.Context, q *membership, before, skip string) (string, error) {
	if r.kept != "" {
		return r.kept, nil
	}
	err := r.stage("snapshot", func(sink event.Sink) error {
		path, err := r.keptPath("", "snapshots", nameBefore(time.Now(), before), false)
		if err != nil {
			return err
		}
		taken, err := takeSnapshot(ctx, q.well(), path, sink)
		if err != nil {
			return &SnapshotError{filepath.Dir(path), err, skip}
		}
		sink.Emit(event.Event{Kind: event.Changed, Node: taken.Member, Subject: "snapshot", Message: fmt.Sprintf("%s, %d bytes", path, taken.Bytes)})
		r.kept = path
		r.dropOlder(path, sink)
		return nil
	})
	return r.kept, err
}
