//go:build linux

package node

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// unitDirs are where systemd looks for drop-ins, what the owner wrote first.
var unitDirs = [...]string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// overrides lists the drop-ins that make the unit run something else than its file says, by name: kubeadm's package brings
// such a one. One that Slipway has replaced by an empty one still counts.
func (m Machine) overrides(unit string) []string {
	var out []string
	for _, dir := range unitDirs {
		found, err := filepath.Glob(m.path(dir, unit+".d", "*.conf"))
		if err != nil {
			continue // no pattern here is malformed
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err == nil && overriding(text) && !slices.Contains(out, filepath.Base(path)) {
				out = append(out, filepath.Base(path))
			}
		}
	}
	slices.Sort(out)
	return out
}

func overriding(dropIn []byte) bool {
	if bytes.Equal(dropIn, []byte(NoOverride)) {
		return true
	}
	lines := bufio.NewScanner(bytes.NewReader(dropIn))
	for lines.Scan() {
		if strings.HasPrefix(strings.TrimSpace(lines.Text()), "ExecStart=") {
			return true
		}
	}
	return false
}
