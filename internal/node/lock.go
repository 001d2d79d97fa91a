//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway/slipway/internal/event"
)

// lockPatience is how long a run waits for another: a run whose operator was killed ends by itself
// when it next writes an event.
const lockPatience = time.Minute

// lock takes the machine for this process. The caller calls release when done. While another holds
// it, lock says so and waits, then gives up with an error that names the other's pid.
func (m Machine) lock(ctx context.Context, patience time.Duration) (release func(), err error) {
	path := m.path("/run/lock/slipway.lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	deadline := time.Now().Add(patience)
	for told := false; ; {
		f, err := tryLock(path)
		if err == nil {
			// Removed while held: nothing of ours is left on the machine when nobody uses it.
			return func() { _ = os.Remove(path); _ = f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		holder := "another slipway"
		if pid, _ := os.ReadFile(path); len(pid) > 0 {
			holder += " (pid " + strings.TrimSpace(string(pid)) + ")"
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s is changing this machine: let it end, or end it, and run this again", holder)
		}
		if !told {
			m.emit(event.Event{Kind: event.Waiting, Subject: "lock", Message: holder + " is changing this machine"})
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tryLock locks path and writes the pid into it. EWOULDBLOCK means that another holds it.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	// The last holder may have removed the file between our open and our lock.
	held, err := f.Stat()
	if err == nil {
		var named os.FileInfo
		if named, err = os.Stat(path); err == nil && !os.SameFile(held, named) || errors.Is(err, os.ErrNotExist) {
			err = unix.EWOULDBLOCK
		}
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
