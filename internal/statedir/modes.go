package statedir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkModes refuses a state directory of which anyone but its owner can read or write a part.
func checkModes(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("state directory %s is not a directory: name another by \"state\" in the cluster block, or move the file away", dir)
	}
	var loose []string
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // a save by the run that holds the lock has just moved it
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(path) // of what a link leads to
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			loose = append(loose, fmt.Sprintf("%s (%04o)", path, info.Mode().Perm()))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("check the modes in the state directory: %w", err)
	}
	if len(loose) == 0 {
		return nil
	}
	const shown = 3
	more := ""
	if len(loose) > shown {
		more = fmt.Sprintf(" and %d more", len(loose)-shown)
		loose = loose[:shown]
	}
	return fmt.Errorf("the state directory holds the cluster's keys, but others can read %s%s: run chmod -R go-rwx %s",
		strings.Join(loose, ", "), more, dir)
}
