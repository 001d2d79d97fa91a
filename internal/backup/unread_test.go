package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/store"
)

// troubled is a store of which some files cannot be read, and some not deleted.
type troubled struct {
	store.Store
	reads, deletes map[string]error
	list           error
}

func (s troubled) List(ctx context.Context) ([]store.Entry, error) {
	entries, err := s.Store.List(ctx)
	return entries, errors.Join(err, s.list)
}

func (s troubled) Read(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := s.reads[name]; err != nil {
		return nil, err
	}
	return s.Store.Read(ctx, name, offset, length)
}

func (s troubled) Delete(ctx context.Context, name string) error {
	if err := s.deletes[name]; err != nil {
		return err
	}
	return s.Store.Delete(ctx, name)
}

// TestWhatCannotBeReadStopsNothing: it neither counts nor goes, and the others do.
func TestWhatCannotBeReadStopsNothing(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a", "b", "c", "cold", "bad", "d"} {
		put(t, filepath.Join(dir, name+".slipway"), "ours", i)
	}
	s := troubled{
		Store:   store.Dir(dir),
		reads:   map[string]error{"cold.slipway": fs.ErrPermission, "bad.slipway": &fs.PathError{Op: "read", Path: "bad.slipway", Err: syscall.EIO}},
		deletes: map[string]error{"b.slipway": fs.ErrPermission},
	}
	list, err := Catalogue(t.Context(), s, true)
	if err != nil || len(list) != 6 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, a := range list {
		if unread := s.reads[a.Name] != nil; unread != strings.Contains(a.Error, "it cannot be read") || unread == a.Whole {
			t.Errorf("%+v", a)
		}
	}
	deleted, _, err := Retain(t.Context(), s, Retention{Cluster: "ours", Keep: 2})
	if diff := cmp.Diff([]string{filepath.Join(dir, "a.slipway")}, deleted); diff != "" || !errors.Is(err, fs.ErrPermission) {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]string{"b.slipway", "bad.slipway", "c.slipway", "cold.slipway", "d.slipway"}, left(t, dir)); diff != "" {
		t.Error(diff)
	}

	// The newest that can be read is proven, unless the one that cannot is the last that was made.
	ours := archive.Cluster{Name: "prod", ID: "ours"}
	if newest, err := newestOf(list, ours, night(1, "d.slipway")); err != nil || newest.Name != "d.slipway" {
		t.Errorf("%+v, %v", newest, err)
	}
	if newest, err := newestOf(list, ours, night(1, "bad.slipway")); err == nil || !strings.Contains(err.Error(), "bad.slipway, the last that was made: it cannot be read") {
		t.Errorf("%+v, %v", newest, err)
	}
	if _, err := newestOf(list, archive.Cluster{Name: "other", ID: "other"}, nil); err == nil || !strings.Contains(err.Error(), "it cannot be read") {
		t.Error(err)
	}
}

// TestAPlaceThatIsLostIsNoEmptyOne: what could not be asked at all is an error, and so is a list that is not given.
func TestAPlaceThatIsLostIsNoEmptyOne(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.slipway"), "ours", 1)
	for _, s := range []troubled{
		{Store: store.Dir(dir), list: fs.ErrPermission},
		{Store: store.Dir(dir), reads: map[string]error{"a.slipway": &url.Error{Op: "Get", URL: "https://s3", Err: syscall.ECONNREFUSED}}},
	} {
		if list, err := Catalogue(t.Context(), s, false); err == nil {
			t.Errorf("%+v", list)
		}
	}
}
