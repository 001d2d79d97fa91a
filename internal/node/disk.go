//go:build linux

package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/layout"
)

// What etcd does to its disk with each write, as its manual measures disks: small pieces are appended to a file, each synced.
// https://etcd.io/docs/v3.6/op-guide/hardware/#disks
const (
	syncPiece  = 2300 // bytes
	syncMost   = 300  // pieces
	syncWithin = time.Second
	syncLeast  = 5 // of fewer nothing can be said but by how much time they took
)

// syncTime is how long appending to a file and syncing it takes where etcd's data goes, 99 of 100 times. The file has no name,
// so that nothing is left of it however this ends.
func (m Machine) syncTime() (time.Duration, error) {
	dir := m.path(layout.Etcd)
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".slipway-sync-*")
	if err != nil {
		return 0, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return 0, fmt.Errorf("measure the disk of %s: %w", dir, err)
	}
	var took []time.Duration
	piece, end := make([]byte, syncPiece), time.Now().Add(syncWithin)
	for len(took) < syncMost && (time.Now().Before(end) || len(took) < syncLeast) {
		began := time.Now()
		if _, err := f.Write(piece); err != nil {
			return 0, fmt.Errorf("measure the disk of %s: %w", dir, err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, fmt.Errorf("measure the disk of %s: sync: %w", dir, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)*99/100], nil
}
