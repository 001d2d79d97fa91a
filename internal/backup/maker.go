package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/scratch"
	"github.com/slipway/slipway/internal/store"
)

// Keys in etcd, beside what is Kubernetes'.
const (
	turnKey = "/slipway/backup/turn" // held by the control plane whose turn it is
	lastKey = "/slipway/backup/last" // the cluster's History
)

// courtesy is how long a leader lets the others go first, who have less to do. TurnWithin bounds one turn.
const (
	courtesy   = 5 * time.Second
	TurnWithin = 2 * time.Hour
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
	// Prove proves the archive at path, and says what it could not look at.
	Prove func(ctx context.Context, path string) (open []string, err error)
}

// Recall is what the cluster remembers of its backups, as the member knows it.
func Recall(ctx context.Context, member *etcd.Client) (History, error) {
	text, err := member.Recall(ctx, lastKey, true)
	if err != nil {
		return History{}, err
	}
	return DecodeHistory(text)
}

// Make makes an archive and puts it into every store, unless another machine has since the schedule came round last: then there is
// no Turn. A Turn that failed has an Error, which is the error, too. Either way it is remembered, on the machine and in etcd.
func (m *Maker) Make(ctx context.Context) (*Turn, error) {
	return m.turn(ctx, Making, m.Settings.Schedule, m.make)
}

// turn waits for this machine's turn and does what is due.
func (m *Maker) turn(ctx context.Context, kind Kind, schedule string, work func(context.Context, *Turn, History) error) (*Turn, error) {
	ctx, cancel := context.WithTimeout(ctx, TurnWithin)
	defer cancel()
	t := &Turn{Node: m.Settings.Node, Began: time.Now().UTC()}
	done := false
	err := m.yield(ctx)
	if err == nil {
		err = m.Member.Turn(ctx, turnKey, func(ctx context.Context) error {
			text, err := m.Member.Recall(ctx, lastKey, false)
			if err != nil {
				return err
			}
			h, err := DecodeHistory(text)
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
			h.Merge(kind.history(t))
			text, encodeErr := json.Marshal(h)
			// Whatever ended the work, that it ended is told.
			told, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			return errors.Join(err, encodeErr, m.Member.Remember(told, lastKey, text))
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

// make takes an archive and keeps it in every store; one that fails does not keep it from the others.
func (m *Maker) make(ctx context.Context, t *Turn, h History) (err error) {
	recipients, err := m.Settings.recipients()
	if err != nil {
		return err
	}
	stores, storesErr := m.Settings.Stores(m.Credentials)
	if storesErr != nil { // the directory does not depend on it
		stores = []store.Store{store.Dir(m.Settings.Directory)}
	}
	dir, err := m.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	t.Archive = FileName(m.Settings.Cluster.Name, t.Began)
	path := dir.Path(t.Archive)
	made, err := Take(ctx, Source{
		Node: m.Settings.Node, Member: m.Member, Cluster: m.Settings.Cluster, Kubernetes: m.Kubernetes, Slipway: m.Slipway,
		Spec: []byte(m.Settings.Spec), Files: m.Files, Recipients: recipients,
	}, path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	t.Bytes, t.Revision = info.Size(), made.Etcd.Revision
	errs := []error{storesErr}
	for _, s := range stores {
		if err := store.Keep(ctx, s, t.Archive, path); err != nil {
			errs = append(errs, err)
			continue
		}
		t.Places = append(t.Places, s.Path(t.Archive))
		deleted, withheld, err := Retain(ctx, s, h.Retention(m.Settings.Cluster.ID, t.Archive, m.Settings.Retain, m.Settings.Verify != ""))
		t.Deleted = append(t.Deleted, deleted...)
		if withheld != "" {
			t.Kept = append(t.Kept, withheld)
		}
		if err != nil { // the archive is made all the same, and the next in line would only make one more
			t.Kept = append(t.Kept, fmt.Sprintf("%s: not all archives that were to go are deleted: %v", s.Path(""), err))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

func (m *Maker) scratch() (*scratch.Dir, error) {
	parent := filepath.Dir(m.History)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	return scratch.New(parent, scratchPrefix)
}
