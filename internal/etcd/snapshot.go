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
	if size, err = io.Copy(out, stream); err != nil {
		return 0, fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
	}
	if err := checkSum(out.File, size); err != nil {
		return 0, fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
	}
	return size, out.CloseAtomicallyReplace()
}

// checkSum compares a snapshot with the sum at its end. Databases are whole pages, the sum is shorter than the least of them.
func checkSum(f *os.File, size int64) error {
	const least = 512
	if size%least != sha256.Size {
		return fmt.Errorf("%d bytes came, which are no database with its sum: try again", size)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size-sha256.Size)); err != nil {
		return err
	}
	want := make([]byte, sha256.Size)
	if _, err := f.ReadAt(want, size-sha256.Size); err != nil {
		return err
	}
	if !bytes.Equal(want, h.Sum(nil)) {
		return errors.New("it arrived damaged, by its sum: try again")
	}
	return nil
}

// MoveLeader makes another voter the leader, if this member is it. Where there is no other, it stays.
func (c *Client) MoveLeader(ctx context.Context) error {
	s, err := c.Status(ctx)
	if err != nil || s.Leader != s.ID {
		return err
	}
	members, err := c.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.ID != s.ID && !m.Learner && m.Client != "" {
			if _, err := c.api.MoveLeader(ctx, m.ID); err != nil {
				return fmt.Errorf("etcd %s: hand the leadership to %s: %w", c.endpoint, m.Name, err)
			}
			return nil
		}
	}
	return nil
}
