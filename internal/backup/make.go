package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/internal/scratch"
	"github.com/slipway/slipway/internal/store"
)

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
	if err := m.roomToTake(ctx); err != nil {
		return err
	}
	if err := m.name(ctx, t, h); err != nil {
		return err
	}
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
		if err := m.keep(ctx, s, t, path); err != nil {
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

// name gives the turn's archive its name. Names go by the second: where the turn before has this one's, in a directory that the machines
// share or in the object store, the turn begins with the next.
func (m *Maker) name(ctx context.Context, t *Turn, h History) error {
	own, err := noted(m.History) // what the cluster remembers may have been lost
	if err != nil {
		return err
	}
	for {
		t.Archive = FileName(m.Settings.Cluster.Name, t.Began)
		if !h.named(t.Archive) && !own.named(t.Archive) {
			return nil
		}
		next := t.Began.Truncate(time.Second).Add(time.Second)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Until(next)):
			t.Began = time.Now().UTC()
		}
	}
}

// keep puts the archive at path into the store; into a directory only where there is room for it.
func (m *Maker) keep(ctx context.Context, s store.Store, t *Turn, path string) error {
	if store.Near(s) {
		if err := m.room(s.Path(""), "the archive", t.Bytes); err != nil {
			return err
		}
	}
	return store.Keep(ctx, s, t.Archive, path)
}

// scratch is a folder for what is made and unpacked. What a turn that was killed left is deleted, before it is looked whether there is room.
func (m *Maker) scratch() (*scratch.Dir, error) {
	if err := os.MkdirAll(m.folder(), 0o700); err != nil {
		return nil, err
	}
	return scratch.New(m.folder(), scratchPrefix)
}

func (m *Maker) folder() string { return filepath.Dir(m.History) }
