package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// suite is the Debian release whose packages go into images. mmdebstrap adds its updates and
// security archives by itself.
const suite = "bookworm"

// installLine is what apt's simulation prints for a package and its version:
// Inst haproxy (2.6.12-1+deb12u4 Debian-Security:12/oldstable-security [amd64])
var installLine = regexp.MustCompile(`(?m)^Inst (\S+) (?:\[\S+\] )?\((\S+) `)

// resolve asks Debian which versions of which packages it would install for wanted.
func (d debian) resolve(ctx context.Context, wanted []string) (map[string]string, error) {
	out, err := d.mmdebstrap(ctx, "--simulate", "--verbose", "--include="+strings.Join(wanted, ","), suite, "-")
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, m := range installLine.FindAllSubmatch(out, -1) {
		versions[string(m[1])] = string(m[2])
	}
	for _, name := range wanted {
		if versions[name] == "" {
			return nil, fmt.Errorf("mmdebstrap did not say which version of %s it would install", name)
		}
	}
	return versions, nil
}

// bootstrap unpacks exactly these versions into a tar archive at path. Packages are extracted, not
// installed: no maintainer script runs, so nothing of this machine or this moment gets in.
func (d debian) bootstrap(ctx context.Context, versions map[string]string, path string) error {
	var include []string
	for name, version := range versions {
		include = append(include, name+"="+version)
	}
	slices.Sort(include)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unfinished := path + ".part"
	if _, err := d.mmdebstrap(ctx, "--include="+strings.Join(include, ","), "--format=tar", suite, unfinished); err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	return os.Rename(unfinished, path)
}

// mmdebstrap runs it and returns what it printed.
func (d debian) mmdebstrap(ctx context.Context, args ...string) ([]byte, error) {
	args = append([]string{"--variant=extract", "--architectures=" + d.arch}, args...)
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=0", "LC_ALL=C")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it sweeps up behind it
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("mmdebstrap, which unpacks Debian's packages into images, is not installed: apt-get install mmdebstrap")
	}
	if err != nil {
		return nil, fmt.Errorf("mmdebstrap: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	return out, nil
}
