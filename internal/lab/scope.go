//go:build linux

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// scopeFolder is the cgroup v2 folder of the machine's scope, "" when there is none.
func (m instance) scopeFolder() (string, error) {
	if len(m.lab.state.Parents) > 0 {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "show", "--property=ControlGroup", "--value", m.scope()).Output()
	if err != nil {
		return "", fmt.Errorf("ask systemd for %s: %w", m.scope(), err)
	}
	group := strings.TrimSpace(string(out))
	if group == "" || group == "/" {
		return "", nil
	}
	return filepath.Join(cgroupRoot, group), nil
}

// removeRuntime removes what an nspawn that was killed leaves in /run.
func (m instance) removeRuntime() error {
	var stat unix.Stat_t
	if err := unix.Stat(m.root(), &stat); err == nil {
		lock := fmt.Sprintf("/run/systemd/nspawn/locks/inode-%d:%d", stat.Dev, stat.Ino)
		if err := os.Remove(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return removeTree(filepath.Join("/run/systemd/nspawn/propagate", m.label()))
}
