//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// searchPath is where tools are looked for, on the host and inside machines alike.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// tool is a program of the host and the Debian package that has it.
type tool struct{ name, apt string }

var (
	toolMmdebstrap = tool{"mmdebstrap", "mmdebstrap"}
	toolNspawn     = tool{"systemd-nspawn", "systemd-container"}
	toolNsenter    = tool{"nsenter", "util-linux"}
)

// requireRoot refuses anyone who cannot make namespaces, mounts and bridges.
func requireRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("a lab needs root, for mounts, network namespaces and systemd-nspawn: run this with sudo")
	}
	return nil
}

// requireTools names every missing tool and how to install it.
func requireTools(tools ...tool) error {
	var faults []error
	for _, t := range tools {
		if _, err := lookTool(t.name); err != nil {
			faults = append(faults, fmt.Errorf("%s is not installed: apt-get install %s", t.name, t.apt))
		}
	}
	return errors.Join(faults...)
}

// lookTool searches searchPath: sudo and su often leave the sbin folders out of PATH.
func lookTool(name string) (string, error) {
	for _, dir := range filepath.SplitList(searchPath) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}
