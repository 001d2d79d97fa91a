//go:build linux

package node

import (
	"io/fs"
	"syscall"
)

// stamp is what changes whenever a file's content does. ctime cannot be set back from user space.
type stamp struct {
	Size  int64  `json:"size"`
	MTime int64  `json:"mtime"` // nanoseconds
	CTime int64  `json:"ctime"` // nanoseconds
	Inode uint64 `json:"inode"`
}

func stampOf(info fs.FileInfo) stamp {
	st := info.Sys().(*syscall.Stat_t)
	return stamp{Size: st.Size, MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(), Inode: st.Ino}
}

// owner is the numeric owner of a file and its group.
func owner(info fs.FileInfo) (user, group int) {
	st := info.Sys().(*syscall.Stat_t)
	return int(st.Uid), int(st.Gid)
}
