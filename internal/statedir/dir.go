// Package statedir is the operator's state directory: the only place, beside the machines themselves,
// that holds a cluster's keys. It is for one user and one run at a time.
package statedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Dir is an open state directory. Its methods are not safe for concurrent use.
type Dir struct {
	path string
	lock *flock.Flock // nil for a View
}

// Open locks the state directory at path, makes it (mode 0700) when it is not there, and completes a Save that
// was cut off. It refuses a directory that others can read, and one that another run holds, which it names.
func Open(path string) (*Dir, error) {
	path = filepath.Clean(path)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	if err := checkModes(path); err != nil {
		return nil, err
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, lock: lock}
	if err := d.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("complete what was being saved in %s: %w", path, err), d.Close())
	}
	return d, nil
}

// View opens the state directory at path for reading, also while another run holds it.
// What is read from it is never half of one Save and half of another.
func View(path string) (*Dir, error) {
	path = filepath.Clean(path)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrEmpty)
	}
	if err := checkModes(path); err != nil {
		return nil, err
	}
	return &Dir{path: path}, nil
}

// Path is where the directory is.
func (d *Dir) Path() string { return d.path }

// Close lets the next run have the directory.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	lock := d.lock
	d.lock = nil
	return release(lock, d.path)
}

// MoveAside closes the directory and moves it to another path, so that its own is free for a new one.
func (d *Dir) MoveAside(to string) error {
	if err := d.writable(); err != nil {
		return err
	}
	if err := os.Rename(d.path, to); err != nil {
		return fmt.Errorf("move the state directory aside: %w", err)
	}
	d.path = filepath.Clean(to)
	return d.Close()
}

func (d *Dir) writable() error {
	if d.lock == nil {
		return fmt.Errorf("state directory %s is open for reading only", d.path)
	}
	return nil
}

func (d *Dir) at(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }
