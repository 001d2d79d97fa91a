package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway/slipway/internal/scratch"
)

// dir is a directory. What is being written has a hidden name until it is whole and on disk.
type dir struct{ path string }

// Dir is the directory at path, which is made with mode 0700 when the first file goes there. An absent one is empty.
func Dir(path string) Store { return dir{path} }

func (d dir) Path(name string) string { return filepath.Join(d.path, name) }

func (d dir) Put(ctx context.Context, name, path string) (err error) {
	if err := checkName(name); err != nil {
		return err
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(d.Path(name)); err == nil {
		return isThere(d, name)
	}
	unfinished, err := scratch.New(d.path, ".slipway-put-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unfinished.Remove()) }()
	copied := unfinished.Path("archive")
	if err := copyFile(ctx, path, copied); err != nil {
		return err
	}
	err = os.Link(copied, d.Path(name)) // which never replaces what is there
	switch {
	case errors.Is(err, fs.ErrExist):
		return isThere(d, name)
	case err != nil: // file systems without links
		if err := os.Rename(copied, d.Path(name)); err != nil {
			return err
		}
	}
	return d.sync()
}

// copyFile is whole and on disk when it returns nil.
func copyFile(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, &reader{ctx, in})
	return errors.Join(err, out.Sync(), out.Close())
}

// sync makes a change of names last.
func (d dir) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d dir) List(context.Context) ([]Entry, error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, e := range entries {
		if !e.Type().IsRegular() || !plain(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Entry{e.Name(), info.Size(), info.ModTime()})
	}
	return out, nil
}

func (d dir) Read(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := os.Open(d.Path(name))
	if err != nil {
		return nil, err
	}
	if length < 0 {
		length = 1<<62 - 1
	}
	return struct {
		io.Reader
		io.Closer
	}{&reader{ctx, io.NewSectionReader(f, offset, length)}, f}, nil
}

func (d dir) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := os.Remove(d.Path(name)); err != nil {
		return err
	}
	return d.sync()
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
