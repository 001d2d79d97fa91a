//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// fillTimer is the unit that empties a disk which nobody came back to empty. It is gone when the machine restarts.
	fillTimer = "slipway-drill-mend"
	// bootEmptier empties it when the machine has restarted meanwhile: systemd reads it before it starts anything that wants etcd's disk.
	bootEmptier = "/etc/tmpfiles.d/slipway-drill-ballast.conf"
)

// emptying is what bootEmptier says. "r!" removes at boot only, not when somebody runs systemd-tmpfiles on a machine that runs. It
// removes itself, too: once is enough. https://www.freedesktop.org/software/systemd/man/252/tmpfiles.d.html
const emptying = `# slipway drill disk-full fills etcd's disk with this file. A timer removes it; a machine that restarts has lost that timer.
r! ` + Ballast + `
r! ` + bootEmptier + `
`

// emptyLater sees to it that the disk is emptied when that time is up, or at the next boot, whichever is first.
func (m Machine) emptyLater(ctx context.Context, after time.Duration) error {
	err := replaceFile(m.path(bootEmptier), 0o644, 0, func(w io.Writer) error {
		_, err := io.WriteString(w, emptying)
		return err
	})
	if err = errors.Join(err, syncDir(filepath.Dir(m.path(bootEmptier)))); err != nil {
		return err
	}
	when := fmt.Sprintf("--on-active=%d", int(after/time.Second))
	_, err = output(ctx, nil, "systemd-run", "--quiet", "--collect", "--unit="+fillTimer, when, "rm", "-f", m.path(Ballast), m.path(bootEmptier))
	return err
}

// Empty gives the space back. A disk that was not filled is left as it is.
func (m Machine) Empty(ctx context.Context) error {
	for _, path := range []string{Ballast, bootEmptier} { // in this order: cut off between them, the next boot finishes
		if err := ignore(fs.ErrNotExist, os.Remove(m.path(path))); err != nil {
			return err
		}
	}
	// As a pattern, which no unit need match: one whose time has come is gone.
	_, err := output(ctx, nil, "systemctl", "stop", fillTimer+"*.timer")
	return err
}

// emptyFilled is Empty on a machine that a drill may have left filled, and may not.
func (m Machine) emptyFilled(ctx context.Context) error {
	for _, path := range []string{Ballast, bootEmptier} {
		if _, err := os.Lstat(m.path(path)); err == nil {
			return m.Empty(ctx)
		}
	}
	return nil
}
