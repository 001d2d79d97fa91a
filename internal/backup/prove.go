package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/store"
)

// Proof is what came of proving an archive.
type Proof struct {
	Found string   // what of it was proven
	Open  []string // what could not be looked at
}

// ErrNotTried is a proof that could not be carried out: nothing is proven, and nothing found wrong.
var ErrNotTried = errors.New("nothing of it was proven")

// Check proves the newest archive that this machine can reach, unless another machine has proven one since the schedule came round
// last, or there is none yet, or it is for another to do: an archive that lies in a directory only is proven by who made it. What comes of it is told as by Make.
func (m *Maker) Check(ctx context.Context) (*Turn, error) {
	h, err := Recall(ctx, m.Member) // an etcd that does not answer is told of below
	if err == nil && (h.Made == nil || m.Settings.Bucket == nil && h.Made.Node != m.Settings.Node) {
		return nil, nil
	}
	return m.turn(ctx, Proving, m.Settings.Verify, m.check)
}

func (m *Maker) check(ctx context.Context, t *Turn, h History) (err error) {
	stores, err := m.Settings.Stores(m.Credentials)
	if err != nil {
		return err
	}
	s := stores[len(stores)-1] // where all machines' archives are, if there is such a place
	all, err := Catalogue(ctx, s, false)
	if err != nil {
		return err
	}
	newest, err := newestOf(all, m.Settings.Cluster, h.Made)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path(""), err)
	}
	dir, err := m.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	if err := m.room(m.folder(), "a proof", 3*newest.Manifest.Snapshot.Size); err != nil {
		return err
	}
	t.Archive, t.Places, t.Bytes, t.Revision = newest.Name, []string{newest.Path}, newest.Bytes, newest.Manifest.Etcd.Revision
	path := dir.Path(newest.Name)
	t.Against = true
	if err := store.Fetch(ctx, s, newest.Name, path); err != nil {
		return err
	}
	proof, err := m.Prove(ctx, path, m.Files)
	t.Found, t.Open = proof.Found, proof.Open
	t.Against = err != nil && !errors.Is(err, ErrNotTried)
	return err
}

// newestOf is the cluster's newest archive of a catalogue. One that is damaged counts, and so does the one that was made last where it
// cannot be read: that it is no good must be told. Others that cannot be read are passed over.
func newestOf(all []Listed, of archive.Cluster, made *Turn) (Listed, error) {
	unread := ""
	for _, a := range all {
		if a.Manifest == nil && made != nil && a.Name == made.Archive {
			return Listed{}, fmt.Errorf("%s, the last that was made: %s", a.Name, a.Error)
		}
		if a.Manifest == nil && unread == "" {
			unread = fmt.Sprintf("; %s: %s", a.Name, a.Error)
		}
	}
	for _, a := range all {
		if a.Manifest != nil && a.Manifest.Cluster.ID == of.ID {
			return a, nil
		}
	}
	return Listed{}, fmt.Errorf("there is no archive of %s to prove%s", of.Name, unread)
}
