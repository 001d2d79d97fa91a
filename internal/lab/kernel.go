//go:build linux

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// raiseLimits gives the machines room in what they share of this one's kernel. The machines' root is one
// user to the kernel, and systemd, containerd and kubelet of five machines together need more than the
// usual 128 inotify instances: the sixth machine would hang while booting. The limits stay raised.
func raiseLimits() error {
	return errors.Join(
		raise("/proc/sys/fs/inotify/max_user_instances", 8192),
		raise("/proc/sys/fs/inotify/max_user_watches", 1<<20),
	)
}

func raise(path string, floor int) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	now, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if now >= floor {
		return nil
	}
	return os.WriteFile(path, []byte(strconv.Itoa(floor)), 0o644)
}
