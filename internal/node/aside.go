//go:build linux

package node

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/layout"
)

// aside is where executables lie that were replaced since the machine was last whole, named by their SHA-256: their blobs
// are gone, and Restore takes them back from here.
func (m Machine) aside(sum string) string { return m.path(layout.Home, "aside", sum) }

// putAside keeps the executable of ours that is about to be replaced.
func (b *Binary) putAside(p *pass, e *entry) error {
	path := p.path(b.Path)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case e == nil || e.Stamp == nil || *e.Stamp != stampOf(info) || e.SHA256 == b.SHA256:
		return nil // somebody else's, or changed: nothing to go back to
	}
	to := p.aside(e.SHA256)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	err = os.Link(path, to)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case !errors.Is(err, unix.EXDEV):
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	return replaceFile(to, b.Mode, b.user(p), func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
}

// takeBack puts the executable that lies aside in its place again, and reports whether it lay there.
func (b *Binary) takeBack(p *pass, path string) (bool, error) {
	f, err := os.Open(p.aside(b.SHA256))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = errors.Join(b.place(p, f, path), f.Close())
	if wrong := new(wrongBytesError); errors.As(err, &wrong) {
		return false, os.Remove(p.aside(b.SHA256)) // damaged: it comes from where it came from before
	}
	return err == nil, err
}

// dropAside forgets what lies aside, as soon as the machine is whole.
func (m Machine) dropAside() error { return os.RemoveAll(m.path(layout.Home, "aside")) }
