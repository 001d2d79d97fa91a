//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/layout"
)

// Disk tells what etcd's data is on.
func (m Machine) Disk() (Disk, error) {
	place := m.path(layout.Etcd)
	var own, above unix.Stat_t
	if err := errors.Join(unix.Stat(place, &own), unix.Stat(filepath.Dir(place), &above)); err != nil {
		return Disk{}, fmt.Errorf("%s: %w", place, err)
	}
	var all unix.Statfs_t
	if err := unix.Statfs(place, &all); err != nil {
		return Disk{}, fmt.Errorf("%s: %w", place, err)
	}
	return Disk{Own: own.Dev != above.Dev, Size: int64(all.Blocks) * all.Bsize, Free: int64(all.Bfree) * all.Bsize}, nil
}

// Fill fills the file system that etcd's data is on with one file, once it is sure that it will be removed.
func (m Machine) Fill(ctx context.Context, f Fill) error {
	if err := m.Empty(ctx); err != nil {
		return err
	}
	if err := m.emptyLater(ctx, f.For); err != nil {
		return fmt.Errorf("see to it that the disk is emptied again: %w", err)
	}
	return errors.Join(m.fill(), syncDir(m.path(layout.Etcd)))
}

// fillSlack is left to be filled by writing: file systems need some room for what they know of a large file.
const fillSlack = 4 << 20

// fill takes all space that there is, at once where the file system can do that.
func (m Machine) fill() (err error) {
	disk, err := m.Disk()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(m.path(Ballast), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	at := disk.Free - fillSlack
	if at <= 0 || unix.Fallocate(int(out.Fd()), 0, 0, at) != nil {
		at = 0
	}
	for _, piece := range []int{1 << 20, 4 << 10} { // the last bit is smaller than the first piece
		for zeros := make([]byte, piece); ; at += int64(piece) {
			_, err := out.WriteAt(zeros, at)
			if err == nil {
				err = out.Sync()
			}
			if errors.Is(err, syscall.ENOSPC) {
				break
			}
			if err != nil {
				return fmt.Errorf("fill %s: %w", m.path(Ballast), err)
			}
		}
	}
	return nil
}
