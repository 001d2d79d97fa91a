// Package store keeps archives: in a directory, or in an object store of S3's kind.
package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"time"

	"github.com/google/renameio/v2"
)

// Store keeps files under names. Safe for concurrent use.
//
// Names are plain: no folders, nothing hidden. Others may keep things in the same place; List passes over what has no plain name, and
// nothing is ever changed that was not named. Of a name that is not there the error is fs.ErrNotExist, of one that may
// not be read fs.ErrPermission.
type Store interface {
	// Put keeps the file at path under name, whole or not at all; where there is one of that name already, the error is fs.ErrExist
	// and nothing is changed.
	Put(ctx context.Context, name, path string) error
	// List is what is there, sorted by name.
	List(ctx context.Context) ([]Entry, error)
	// Read gives length bytes from offset on, or less where the file ends before; all of the rest with a negative length.
	Read(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// Delete deletes one file.
	Delete(ctx context.Context, name string) error
	// Path is how people name a file of the store, or with "" the store itself.
	Path(name string) string
}

// Near reports whether reading from s costs no more than a look at a disk.
func Near(s Store) bool {
	_, near := s.(dir)
	return near
}

// Entry is one file.
type Entry struct {
	Name     string
	Size     int64 // bytes
	Modified time.Time
}

// Keep is Put that reads back what was put: nil says that the store gives the same bytes. What it does not give so is deleted again.
func Keep(ctx context.Context, s Store, name, path string) error {
	if err := s.Put(ctx, name, path); err != nil {
		return err
	}
	want, err := sumOf(os.Open(path))
	if err != nil {
		return err
	}
	got, err := sumOf(s.Read(ctx, name, 0, -1))
	if err != nil {
		return fmt.Errorf("read %s back: %w", s.Path(name), err)
	}
	if got != want {
		return errors.Join(fmt.Errorf("%s does not give back what was written: sha256 %x, expected %x", s.Path(name), got, want), s.Delete(ctx, name))
	}
	return nil
}

func sumOf[R io.ReadCloser](r R, err error) (sum [sha256.Size]byte, _ error) {
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	return [sha256.Size]byte(h.Sum(nil)), errors.Join(err, r.Close())
}

// Fetch writes the file of that name to path, mode 0600, whole or not at all.
func Fetch(ctx context.Context, s Store, name, path string) (err error) {
	r, err := s.Read(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }() // nothing where it was put in its place
	if _, err := io.Copy(out, r); err != nil {
		return fmt.Errorf("read %s: %w", s.Path(name), err)
	}
	return out.CloseAtomicallyReplace()
}

// plain reports whether name is one that a store takes.
func plain(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,254}$`).MatchString(name)
}

func checkName(name string) error {
	if !plain(name) {
		return fmt.Errorf("%q is no name for an archive: expected letters, digits and _ . : -", name)
	}
	return nil
}

func notThere(s Store, name string) error {
	return &fs.PathError{Op: "read", Path: s.Path(name), Err: fs.ErrNotExist}
}
func isThere(s Store, name string) error {
	return &fs.PathError{Op: "write", Path: s.Path(name), Err: fs.ErrExist}
}
