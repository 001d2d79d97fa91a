//go:build linux

package node

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// running lists those of the programs of which a process lives here, in a container or not.
func (m Machine) running(programs []string) ([]string, error) {
	if len(programs) == 0 {
		return nil, nil
	}
	names, err := filepath.Glob(m.path("/proc/[0-9]*/comm"))
	if err != nil {
		return nil, err
	}
	live := map[string]bool{}
	for _, path := range names {
		name, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended since
		}
		live[strings.TrimSpace(string(name))] = true
	}
	return slices.DeleteFunc(slices.Clone(programs), func(name string) bool { return !live[name] }), nil
}
