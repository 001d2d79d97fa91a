// Package storetest checks that a store.Store keeps the contract, and starts real S3 servers for tests that need one.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/store"
)

// Run runs the conformance suite: every implementation of store.Store passes it. open returns an empty store, and is called once per test.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"PutAndRead", testPutAndRead},
		{"Ranges", testRanges},
		{"List", testList},
		{"NothingIsReplaced", testNothingIsReplaced},
		{"Delete", testDelete},
		{"Absent", testAbsent},
		{"Names", testNames},
		{"CutOff", testCutOff},
		{"Fetch", testFetch},
		{"Keep", testKeep},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// file is one of that many random bytes.
func file(t *testing.T, size int) (path string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func put(t *testing.T, s store.Store, name string, size int) []byte {
	t.Helper()
	path, content := file(t, size)
	if err := s.Put(t.Context(), name, path); err != nil {
		t.Fatal(err)
	}
	return content
}

func read(t *testing.T, s store.Store, name string, offset, length int64) []byte {
	t.Helper()
	r, err := s.Read(t.Context(), name, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

func names(t *testing.T, s store.Store) (out []string) {
	t.Helper()
	entries, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name)
	}
	return out
}

func testPutAndRead(t *testing.T, s store.Store) {
	for name, size := range map[string]int{"empty.slipway": 0, "small.slipway": 3, "large.slipway": 9 << 20} {
		content := put(t, s, name, size)
		if got := read(t, s, name, 0, -1); !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, want %d", name, len(got), size)
		}
	}
}

func testRanges(t *testing.T, s store.Store) {
	content := put(t, s, "a.slipway", 10000)
	for _, c := range []struct{ offset, length, from, to int64 }{
		{0, 512, 0, 512}, {9000, 1000, 9000, 10000}, {9000, 5000, 9000, 10000}, {1, 1, 1, 2}, {9999, -1, 9999, 10000}, {5, 0, 5, 5},
	} {
		if got := read(t, s, "a.slipway", c.offset, c.length); !bytes.Equal(got, content[c.from:c.to]) {
			t.Errorf("%d bytes from %d on: got %d", c.length, c.offset, len(got))
		}
	}
}

func testList(t *testing.T, s store.Store) {
	if got := names(t, s); len(got) > 0 {
		t.Errorf("a new store holds %q", got)
	}
	for _, name := range []string{"b.slipway", "a.slipway", "notes"} {
		put(t, s, name, 7)
	}
	entries, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a.slipway", "b.slipway", "notes"}, names(t, s)); diff != "" {
		t.Error(diff)
	}
	for _, e := range entries {
		if e.Size != 7 || e.Modified.IsZero() {
			t.Errorf("%+v", e)
		}
	}
}

func testNothingIsReplaced(t *testing.T, s store.Store) {
	content := put(t, s, "a.slipway", 100)
	path, _ := file(t, 50)
	if err := s.Put(t.Context(), "a.slipway", path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("put over another: %v", err)
	}
	if err := store.Keep(t.Context(), s, "a.slipway", path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("kept over another: %v", err)
	}
	if got := read(t, s, "a.slipway", 0, -1); !bytes.Equal(got, content) {
		t.Error("it was replaced")
	}
}

func testDelete(t *testing.T, s store.Store) {
	put(t, s, "a.slipway", 1)
	content := put(t, s, "b.slipway", 2)
	if err := s.Delete(t.Context(), "a.slipway"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b.slipway"}, names(t, s)); diff != "" {
		t.Error(diff)
	}
	if got := read(t, s, "b.slipway", 0, -1); !bytes.Equal(got, content) {
		t.Error("another was changed")
	}
}

func testAbsent(t *testing.T, s store.Store) {
	put(t, s, "there.slipway", 1)
	if _, err := s.Read(t.Context(), "gone.slipway", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
	if err := s.Delete(t.Context(), "gone.slipway"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("delete: %v", err)
	}
	if err := s.Put(t.Context(), "a.slipway", filepath.Join(t.TempDir(), "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("put what is not there: %v", err)
	}
}

func testNames(t *testing.T, s store.Store) {
	path, _ := file(t, 1)
	for _, name := range []string{"", ".", "..", "../a", "a/b", ".hidden", "a b", "a\n", "-a"} {
		_, err := s.Read(t.Context(), name, 0, -1)
		if err == nil || s.Put(t.Context(), name, path) == nil || s.Delete(t.Context(), name) == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
	if got := names(t, s); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// testCutOff: what is given up half way is not there, and can be put again.
func testCutOff(t *testing.T, s store.Store) {
	path, content := file(t, 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "a.slipway", path); err == nil {
		t.Error("put after the end")
	}
	if got := names(t, s); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if err := s.Put(t.Context(), "a.slipway", path); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "a.slipway", 0, -1); !bytes.Equal(got, content) {
		t.Error("other bytes")
	}
}

func testFetch(t *testing.T, s store.Store) {
	content := put(t, s, "a.slipway", 1000)
	path := filepath.Join(t.TempDir(), "fetched")
	if err := store.Fetch(t.Context(), s, "a.slipway", path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := store.Fetch(t.Context(), s, "gone.slipway", other); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Stat(other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

func testKeep(t *testing.T, s store.Store) {
	path, content := file(t, 5000)
	if err := store.Keep(t.Context(), s, "a.slipway", path); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "a.slipway", 0, -1); !bytes.Equal(got, content) {
		t.Error("other bytes")
	}
}
