//go:build linux

package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ensureDisk makes the machine's root and what makes it itself, unless a former Up did.
func (m instance) ensureDisk(ctx context.Context) error {
	if err := m.mountRoot(); err != nil {
		return err
	}
	done := filepath.Join(m.dir(), "installed")
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := m.install(ctx); err != nil {
		return fmt.Errorf("install %s: %w", m.Name, err)
	}
	return writeFile(done, nil, 0o644)
}

// mountRoot lays the machine's own layer over the base system; idempotent.
func (m instance) mountRoot() error {
	upper, work := filepath.Join(m.dir(), "upper"), filepath.Join(m.dir(), "work")
	for _, dir := range []string{upper, work, m.root()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for dir := range m.disks() {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	mounts, err := mountsUnder(m.root())
	if err != nil || len(mounts) > 0 {
		return err
	}
	options := "lowerdir=" + m.lab.state.Base + ",upperdir=" + upper + ",workdir=" + work
	err = unix.Mount("lab-"+m.lab.state.Name, m.root(), "overlay", 0, options)
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("mount overlay for %s: %w: %s must not itself lie on an overlay (such as a container's root); use another --dir", m.Name, err, m.lab.dir)
	}
	if err != nil {
		return fmt.Errorf("mount overlay for %s: %w", m.Name, err)
	}
	return nil
}

// install gives a machine its identity and lets the lab's key in.
func (m instance) install(ctx context.Context) error {
	hostKey, err := os.ReadFile(m.hostKey())
	if err != nil {
		return err
	}
	login, err := os.ReadFile(m.lab.PrivateKey() + ".pub")
	if err != nil {
		return err
	}
	password, err := ensurePassword(m.lab.SudoPassword())
	if err != nil {
		return err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	files := []struct {
		path, content string
		mode          fs.FileMode
	}{
		{"etc/hostname", m.Name + "\n", 0o644},
		{"etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\t" + m.Name + "\n::1\tlocalhost ip6-localhost ip6-loopback\n", 0o644},
		{"etc/machine-id", hex.EncodeToString(id) + "\n", 0o444},
		{"etc/resolv.conf", "nameserver " + m.lab.Gateway().String() + "\n", 0o644},
		{"etc/ssh/ssh_host_ed25519_key", string(hostKey), 0o600},
		{"root/.ssh/authorized_keys", string(login), 0o600},
		{"home/ops/.ssh/authorized_keys", string(login), 0o600},
		{"home/admin/.ssh/authorized_keys", string(login), 0o600},
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(m.root(), f.path), []byte(f.content), f.mode); err != nil {
			return err
		}
	}
	const own = `for u in root ops admin; do h=$(getent passwd $u | cut -d: -f6); chmod 0700 $h/.ssh; chown -R $u: $h/.ssh; done`
	if err := run(ctx, "", "chroot", m.root(), "/bin/sh", "-c", own); err != nil {
		return err
	}
	return run(ctx, "ops:"+password+"\n", "chroot", m.root(), "chpasswd")
}

// mountsUnder lists the mount points at or below dir, the deepest last.
func mountsUnder(dir string) ([]string, error) {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var found []string
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		at := unescape.Replace(fields[4])
		if at == dir || strings.HasPrefix(at, dir+"/") {
			found = append(found, at)
		}
	}
	return found, nil
}

// removeTree unmounts all that is mounted at or below dir and removes it. It never crosses a mount:
// what cannot be unmounted stays, with the error that says so.
func removeTree(dir string) error {
	mounts, err := mountsUnder(dir)
	if err != nil {
		return err
	}
	for i := len(mounts) - 1; i >= 0; i-- {
		err := unix.Unmount(mounts[i], 0)
		for try := 0; errors.Is(err, unix.EBUSY) && try < 100; try++ { // the last user may just be going
			time.Sleep(20 * time.Millisecond)
			err = unix.Unmount(mounts[i], 0)
		}
		if err != nil {
			return fmt.Errorf("unmount %s: %w", mounts[i], err)
		}
	}
	return os.RemoveAll(dir)
}
