//go:build !linux

package proof

import "syscall"

// alone is never used: programs of a bundle run on Linux.
func alone() *syscall.SysProcAttr { return nil }
