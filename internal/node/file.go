//go:build linux

package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

func (f *File) diff(_ context.Context, p *pass) (*Change, error) {
	path := p.path(f.Path)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Change{Action: Create, After: show(f.Content, f.Secret)}, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a directory: move it away")
	case !info.Mode().IsRegular():
		return &Change{Action: Update, Before: "a " + info.Mode().Type().String() + " file", After: show(f.Content, f.Secret)}, nil
	}
	got, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := Change{Action: Update}
	if !bytes.Equal(got, f.Content) {
		c.Before, c.After = show(got, f.Secret), show(f.Content, f.Secret)
	}
	if is, want := fileAttributes(info), attributes(fs.FileMode(f.Mode), f.User, f.User); is != want {
		c.Reason = is + ", want " + want
	} else if bytes.Equal(got, f.Content) {
		return nil, nil
	}
	return &c, nil
}

func (f *File) claim(_ context.Context, p *pass, e *entry) error {
	e.Secret = f.Secret
	return p.claimFile(f.Path, e, func() (bool, error) {
		got, err := os.ReadFile(p.path(f.Path))
		return bytes.Equal(got, f.Content), err
	})
}

func (f *File) apply(_ context.Context, p *pass) error {
	return replaceFile(p.path(f.Path), f.Mode, f.User, func(w io.Writer) error {
		_, err := w.Write(f.Content)
		return err
	})
}

// replaceFile puts what write produces at path in one step: on disk and complete, or as before.
// Missing parents are made.
func replaceFile(path string, mode uint32, user int, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := unfinished(path)
	if err := ignore(fs.ErrNotExist, os.Remove(tmp)); err != nil {
		return err
	}
	w, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignore(os.ErrClosed, w.Close()), os.Remove(tmp))
		}
	}()
	if err := write(w); err != nil {
		return err
	}
	if err := setAttributes(tmp, mode, user, user); err != nil {
		return err
	}
	if err := w.Sync(); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// unfinished is where a new file waits until it is complete: hidden, so that the kubelet overlooks it in its manifest
// directory; of one name, so that a crash leaves at most one.
func unfinished(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".slipway")
}
