// Package scratch gives folders for what must not outlive the run that needs it, however that ends: a run that is killed leaves its
// folder behind, and the next one with the same parent and prefix deletes it.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

const lockName = "lock"

// Dir is a folder of mode 0700 that is this run's alone.
type Dir struct {
	path string
	lock *flock.Flock
}

// New makes one in parent, whose name begins with prefix, and deletes those of the same prefix that nobody holds any more.
func New(parent, prefix string) (*Dir, error) {
	if err := sweep(parent, prefix); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	d := &Dir{path, flock.New(filepath.Join(path, lockName), flock.SetPermissions(0o600))}
	if got, err := d.lock.TryLock(); err != nil || !got {
		return nil, errors.Join(fmt.Errorf("lock %s: it is taken already", path), err, os.RemoveAll(path))
	}
	return d, nil
}

// Path is that of a file in the folder.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Remove deletes the folder with all that is in it.
func (d *Dir) Remove() error { return errors.Join(os.RemoveAll(d.path), d.lock.Close()) }

// sweep deletes folders whose run has ended. Those of other users are left alone.
func sweep(parent, prefix string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		path := filepath.Join(parent, e.Name())
		lock := flock.New(filepath.Join(path, lockName), flock.SetFlag(os.O_RDWR))
		got, err := lock.TryLock()
		if err != nil || !got { // held, another user's, or without a lock: then it is no folder of ours, or one that is just being made
			continue
		}
		if err := errors.Join(os.RemoveAll(path), lock.Close()); err != nil {
			return fmt.Errorf("delete what a run before left: %w", err)
		}
	}
	return nil
}
