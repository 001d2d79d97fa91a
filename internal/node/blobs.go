//go:build linux

package node

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/layout"
)

const blobsBeside = "slipway-blobs" // below layout.Containerd

// Blobs is the machine's blob store. It lies where its files can be linked into containerd's content store: in Slipway's home, or
// where containerd's files have a mount of their own, on that.
func (m Machine) Blobs() blob.Store {
	if home, err := mountOf(m.path(layout.Home)); err == nil {
		if runtime, err := mountOf(m.path(layout.Containerd)); err == nil && runtime != home {
			return blob.Store{Dir: m.path(layout.Containerd, blobsBeside)}
		}
	}
	return blob.Store{Dir: m.path(layout.Home, "blobs")}
}

// mount tells mounts apart: links reach from one to another not even on the same device.
type mount struct {
	id           uint64 // 0 on kernels before 5.8
	major, minor uint32
}

// mountOf is the mount that path lies on, or would.
func mountOf(path string) (mount, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &st)
	for errors.Is(err, fs.ErrNotExist) && path != "/" {
		path = filepath.Dir(path)
		err = unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &st)
	}
	return mount{st.Mnt_id, st.Dev_major, st.Dev_minor}, err
}
