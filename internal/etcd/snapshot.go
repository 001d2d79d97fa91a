package etcd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/renameio/v2"
)

// Snapshot writes the member's database to path, mode 0600, whole or not at all, and returns its size in bytes. etcd sends
// the database with its SHA-256 behind it, which is checked on the way and stays in the file: etcdutl checks it again.
// https://github.com/etcd-io/etcd/blob/v3.6.0/server/etcdserver/api/v3rpc/maintenance.go
func (c *Client) Snapshot(ctx context.Context, path string) (size int64, err error) {
	return c.SnapshotChecked(ctx, path, nil, nil)
}

// SnapshotChecked is Snapshot that tells how many bytes have come, and that lets check, unless it is nil, look at the file
// before it gets its name: where that fails there is none.
func (c *Client) SnapshotChecked(ctx context.Context, path string, came func(bytes int64), check func(draft string) error) (size int64, err error) {
	stream, err := c.api.Snapshot(ctx)
	if err != nil {
		return 0, fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
	}
	defer stream.Close()
	out, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }() // nothing where it was put in its place
	if size, err = io.Copy(out, &counted{Reader: stream, came: came}); err != nil {
		return 0, fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
	}
	if _, err := CheckSnapshot(out.File); err != nil {
		return 0, fmt.Errorf("etcd %s: snapshot: %w: try again", c.endpoint, err)
	}
	if check != nil {
		if err := check(out.Name()); err != nil {
			return 0, err
		}
	}
	return size, out.CloseAtomicallyReplace()
}

// counted tells how much was read.
type counted struct {
	io.Reader
	read int64
	came func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	if c.came != nil {
		c.came(c.read)
	}
	return n, err
}

// CheckSnapshot compares a snapshot with the sum at its end, and returns its size in bytes, sum included. Databases are whole
// pages, the sum is shorter than the least of them.
func CheckSnapshot(f *os.File) (size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	const least = 512
	size = info.Size()
	if size%least != sha256.Size {
		return 0, fmt.Errorf("%d bytes are no database with its sum", size)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size-sha256.Size)); err != nil {
		return 0, err
	}
	want := make([]byte, sha256.Size)
	if _, err := f.ReadAt(want, size-sha256.Size); err != nil {
		return 0, err
	}
	if !bytes.Equal(want, h.Sum(nil)) {
		return 0, errors.New("it is damaged, by the sum at its end")
	}
	return size, nil
}
