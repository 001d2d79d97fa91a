//go:build linux

package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway/slipway/internal/layout"
)

// claimFile notes who made the file at path, and saves one that somebody else made. A file that is
// already as wanted is taken for ours: the inventory was lost, and nobody else writes these.
func (p *pass) claimFile(path string, e *entry, same func() (bool, error)) error {
	info, err := os.Lstat(p.path(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Created = true
		return p.claimParents(path)
	case err != nil:
		return err
	case p.taking && belongs(path):
		e.Created = true // keep has a copy
		return nil
	}
	if info.Mode().IsRegular() {
		if e.Created, err = same(); err != nil || e.Created {
			return err
		}
	}
	e.Saved = true
	return save(p.path(path), p.originalPath(path))
}

// claimParents enters the directories that have to be made for path, outermost first.
func (p *pass) claimParents(path string) error {
	dir := filepath.Dir(path)
	_, err := os.Stat(p.path(dir))
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := p.claimParents(dir); err != nil {
		return err
	}
	id := "dir " + dir
	if _, named := p.resources[id]; named || p.inv.entry(id) != nil {
		return nil
	}
	p.inv.Entries = append(p.inv.Entries, &entry{ID: id, Created: true, Implied: true})
	return nil
}

// originalPath is where the file that was at path before us is kept.
func (p *pass) originalPath(path string) string { return p.path(layout.Home, "before", path) }

// releaseFile removes a file of ours, or puts back what was there before.
func (p *pass) releaseFile(e *entry, name string) error {
	path, original := p.path(name), p.originalPath(name)
	if err := ignore(fs.ErrNotExist, os.Remove(unfinished(path))); err != nil { // of a run that was killed
		return err
	}
	if !e.Saved {
		return ignore(fs.ErrNotExist, os.Remove(path))
	}
	if _, err := os.Lstat(original); errors.Is(err, fs.ErrNotExist) {
		return nil // put back by a run that was interrupted before it could note it
	}
	if err := save(original, path); err != nil {
		return fmt.Errorf("put back what was there before: %w", err)
	}
	return os.Remove(original)
}

// save puts a copy of from, with its mode and owner, at to in one step. A link stays a link.
func save(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if err := ignore(fs.ErrNotExist, os.Remove(to)); err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a file nor a link: move it away", from)
	}
	user, group := owner(info)
	err = replaceFile(to, uint32(info.Mode().Perm()), user, func(w io.Writer) error {
		r, err := os.Open(from)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = io.Copy(w, r)
		return err
	})
	if err != nil {
		return err
	}
	if err := setAttributes(to, uint32(info.Mode().Perm()), user, group); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
