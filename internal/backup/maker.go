package backup

import (
	"context"
	"errors"
	"time"

	"github.com/slipway/slipway/internal/etcd"
)

// courtesy is how long a leader lets the others go first, who have less to do. TurnWithin bounds the work of one turn, from when it is
// given. All timers go off at once: who waits must outlast two who hang, one after the other. StartWithin is when whoever has started
// may take it for lost: then the machine's own disk does not answer.
const (
	courtesy    = 5 * time.Second
	TurnWithin  = 2 * time.Hour
	waitWithin  = 2*TurnWithin + time.Hour
	grace       = 5 * time.Minute
	StartWithin = waitWithin + TurnWithin + 2*grace
)

// Maker makes archives on one control plane, and proves them, when it is their time and nobody else has done it.
type Maker struct {
	Settings    Settings
	Member      *etcd.Client      // the machine's own
	Files       map[string][]byte // of pki.LastingPaths, as they are on the machine
	Kubernetes  string            // version that runs
	Slipway     string            // version of this program
	Credentials string            // path; for an object store only
	History     string            // path of the machine's own History; archives are made in a folder beside it
	// Due reports whether a schedule has come round since a time.
	Due func(ctx context.Context, schedule string, since time.Time) (bool, error)
	// Free is how many bytes can be written to the file system that a path is on.
	Free func(path string) (int64, error)
	// Prove proves the archive at path with keys, which are Files. An error that is ErrNotTried says nothing against the archive.
	Prove func(ctx context.Context, path string, keys map[string][]byte) (Proof, error)
}

// Make makes an archive and puts it into every store, unless another machine has since the schedule came round last: then there is
// no Turn. A Turn that failed has an Error, which is the error, too. Either way it is remembered, on the machine and in etcd.
func (m *Maker) Make(ctx context.Context) (*Turn, error) {
	return m.turn(ctx, Making, m.Settings.Schedule, m.make)
}

// turn waits for this machine's turn and does what is due.
func (m *Maker) turn(ctx context.Context, kind Kind, schedule string, work func(context.Context, *Turn, History) error) (*Turn, error) {
	t := &Turn{Node: m.Settings.Node, Began: time.Now().UTC()}
	done := false
	err := m.yield(ctx)
	if err == nil {
		err = m.Member.Turn(ctx, turnKey, etcd.Patience{Wait: waitWithin, Work: TurnWithin, Grace: grace}, func(ctx context.Context) error {
			h, err := m.recall(ctx)
			if err != nil {
				return err
			}
			due, err := m.due(ctx, schedule, kind.last(h))
			if err != nil {
				return err
			}
			if done = !due; done {
				return nil
			}
			t.Began = time.Now().UTC()
			err = work(ctx, t, h)
			t.finish(err)
			return errors.Join(err, m.remember(ctx, kind.history(t)))
		})
	}
	if err == nil && done {
		return nil, nil
	}
	t.finish(err)
	return t, errors.Join(err, note(m.History, kind.history(t)))
}

// due reports whether the schedule has come round since the turn before, nil for none. One that is dated in the future says nothing of
// when it was: better an archive too many than none until that day.
func (m *Maker) due(ctx context.Context, schedule string, before *Turn) (bool, error) {
	if before == nil || before.Ahead(time.Now()) {
		return true, nil
	}
	return m.Due(ctx, schedule, before.Began)
}

func (t *Turn) finish(err error) {
	t.Seconds = time.Since(t.Began).Seconds()
	if err != nil {
		t.Error = err.Error()
	}
}

// yield lets the others go first where this machine's member leads.
func (m *Maker) yield(ctx context.Context) error {
	status, err := m.Member.Status(ctx)
	if err != nil {
		return err
	}
	members, err := m.Member.KnownMembers(ctx)
	if err != nil {
		return err
	}
	if status.ID != status.Leader || len(members) < 2 {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(courtesy):
		return nil
	}
}
