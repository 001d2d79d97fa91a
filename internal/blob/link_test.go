package blob

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestLinkIsTheSameFileAndReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := Store{Dir: filepath.Join(dir, "store")}
	d, name := entry(t, "one")
	if err := s.Receive(bytes.NewReader(stream(t, []string{name}, "one"))); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "linked")
	if err := s.Link(d, to); err != nil {
		t.Fatal(err)
	}
	path, err := s.path(d)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	linked, err := os.Stat(to)
	if err != nil || !os.SameFile(stored, linked) || linked.Mode() != 0o444 {
		t.Errorf("%v, %v", linked, err)
	}
	if err := s.Link(d, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v", err)
	}
	if err := s.Remove(d); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); string(got) != "one" || err != nil {
		t.Errorf("after the blob was removed: %q, %v", got, err)
	}
	if err := s.Link(d, to+"2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a blob that is not there: %v", err)
	}
}

func TestACorruptBlobIsNotLinked(t *testing.T) {
	dir := t.TempDir()
	s := Store{Dir: dir}
	d, name := entry(t, "one")
	if err := s.Receive(bytes.NewReader(stream(t, []string{name}, "one"))); err != nil {
		t.Fatal(err)
	}
	path, err := s.path(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "linked")
	if err := s.Link(d, to); !errors.As(err, new(*CorruptError)) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("linked all the same: %v", err)
	}
	if missing, err := s.Missing([]string{d}); err != nil || len(missing) != 1 {
		t.Errorf("it should be sent again: %v, %v", missing, err)
	}
}
