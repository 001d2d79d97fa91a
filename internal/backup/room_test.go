package backup

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/store"
)

// having is a machine with so many MB free, of which it is asked once the path is there.
func having(t *testing.T, mb int64) *Maker {
	t.Helper()
	dir := t.TempDir()
	return &Maker{
		Settings: Settings{Node: "cp-1", Cluster: archive.Cluster{Name: "prod", ID: "ours"}, Directory: filepath.Join(dir, "not", "yet")},
		History:  filepath.Join(dir, "last.json"),
		Free: func(path string) (int64, error) {
			if path != dir {
				t.Errorf("asked for %s", path)
			}
			return mb << 20, nil
		},
	}
}

// TestRoom: what is written must leave enough for all else that writes to the same file system.
func TestRoom(t *testing.T) {
	for mb, want := range map[int64]bool{0: false, 511: false, 611: false, 612: true, 100000: true} {
		m := having(t, mb)
		err := m.room(m.Settings.Directory, "the archive", 100<<20)
		if (err == nil) != want {
			t.Errorf("%d MB free: %v", mb, err)
		}
		if err != nil && (!strings.Contains(err.Error(), m.Settings.Directory) || !strings.Contains(err.Error(), "612 MB are needed")) {
			t.Error(err)
		}
	}
	m := having(t, 0)
	m.Free = func(string) (int64, error) { return 0, errors.New("input/output error") }
	if err := m.room(m.Settings.Directory, "the archive", 1); err == nil {
		t.Error("where it is not known it is taken for enough")
	}
	if free, err := Free(t.TempDir()); err != nil || free <= 0 {
		t.Errorf("%d bytes free here, %v", free, err)
	}
}

// TestNoRoomIsFoundOutBefore: neither an archive nor a proof is begun, and an archive that fits nowhere else still goes to other stores.
func TestNoRoomIsFoundOutBefore(t *testing.T) {
	m := having(t, 100)
	m.Settings.Directory = filepath.Dir(m.History)
	put(t, filepath.Join(m.Settings.Directory, "a.slipway"), "ours", 1)
	turn := &Turn{Archive: "b.slipway", Bytes: 10 << 20}
	if err := m.check(t.Context(), turn, History{}); err == nil || !strings.Contains(err.Error(), "no room for a proof") || turn.Against {
		t.Errorf("%+v, %v", turn, err)
	}
	path := filepath.Join(t.TempDir(), "b.slipway")
	put(t, path, "ours", 2)
	if err := m.keep(t.Context(), store.Dir(m.Settings.Directory), turn, path); err == nil || !strings.Contains(err.Error(), "no room for the archive") {
		t.Error(err)
	}
	elsewhere := troubled{Store: store.Dir(t.TempDir())}
	if err := m.keep(t.Context(), elsewhere, turn, path); err != nil {
		t.Error(err)
	}
	if got := left(t, m.Settings.Directory); len(got) != 1 {
		t.Errorf("left: %q", got)
	}
}
