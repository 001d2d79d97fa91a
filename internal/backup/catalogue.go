package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/store"
)

// Listed is one file that is called as archives are.
type Listed struct {
	Path     string            `json:"path"`
	Name     string            `json:"name"`
	Bytes    int64             `json:"bytes"`
	Whole    bool              `json:"whole"`           // it was read, and has the sum that it ends with
	Error    string            `json:"error,omitempty"` // why it is not sound
	Ahead    bool              `json:"ahead,omitempty"` // it is dated in the future, by a clock that was wrong
	Manifest *archive.Manifest `json:"manifest,omitempty"`
	sum      string
}

// Catalogue lists what is called as archives are, newest first and what is none last. Archives in a directory are read from beginning
// to end; those in an object store only with whole, and else their beginning and their end. One that cannot be read has an Error, and
// says nothing of the others: the error is that of a place that cannot be listed or is lost meanwhile.
func Catalogue(ctx context.Context, s store.Store, whole bool) ([]Listed, error) {
	entries, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []Listed
	for _, e := range entries {
		if path.Ext(e.Name) != Extension {
			continue
		}
		a, err := look(ctx, s, e, whole || store.Near(s))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		var lost *url.Error // no answer, whatever was asked for
		if errors.As(err, &lost) {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a.Error = unsound(err)
		out = append(out, a)
	}
	slices.SortStableFunc(out, NewestFirst)
	return out, nil
}

// unsound is why an archive is not sound: what is wrong with it, or that it cannot be read.
func unsound(err error) string {
	var damaged *archive.DamagedError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &damaged):
		return damaged.Reason
	}
	return "it cannot be read: " + err.Error()
}

// NewestFirst compares archives for sorting by when they were taken: what is dated in the future after the others, what is none last.
func NewestFirst(a, b Listed) int {
	if of := cmp.Compare(a.place(), b.place()); of != 0 || a.Manifest == nil {
		return of
	}
	return cmp.Or(b.Manifest.Taken.Compare(a.Manifest.Taken), cmp.Compare(b.Manifest.Etcd.Revision, a.Manifest.Etcd.Revision))
}

// place is how far down in a list it belongs, whatever its date.
func (a Listed) place() int {
	switch {
	case a.Manifest == nil:
		return 2
	case a.Ahead:
		return 1
	}
	return 0
}

func look(ctx context.Context, s store.Store, e store.Entry, whole bool) (Listed, error) {
	a := Listed{Path: s.Path(e.Name), Name: e.Name, Bytes: e.Size}
	m, sum, err := archive.Glance(a.Path, e.Size, func(offset, length int64) ([]byte, error) {
		r, err := s.Read(ctx, e.Name, offset, length)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		return text, errors.Join(err, r.Close())
	})
	if err != nil {
		return a, err
	}
	a.Manifest, a.sum, a.Ahead = &m, sum, ahead(m.Taken, time.Now())
	if whole {
		err = readWhole(ctx, s, a)
		a.Whole = err == nil
	}
	return a, err
}

// readWhole compares the sum of all bytes with the one at the archive's end.
func readWhole(ctx context.Context, s store.Store, a Listed) (err error) {
	r, err := s.Read(ctx, a.Name, 0, -1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	if _, err := io.CopyN(h, r, a.Bytes-archive.TailSize); err != nil {
		return fmt.Errorf("read %s: %w", a.Path, err)
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != a.sum {
		return &archive.DamagedError{Path: a.Path, Reason: fmt.Sprintf("it is damaged: its bytes have the sum %s, and at its end stands another", got)}
	}
	return nil
}
