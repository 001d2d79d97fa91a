package statedir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
)

// A save first writes all that changes below journalDir, then commitFile, then moves each file into place.
// Cut off before the commit it never happened; after it, the next Open moves the rest. So the directory
// always holds one complete state, in files that a human can read.
const (
	journalDir = ".saving"
	commitFile = journalDir + "/commit.json"
)

// commit is what a save still has to do.
type commit struct {
	Journal string   `json:"journal"` // directory of the files to move, another for each save
	Move    []string `json:"move"`    // relative paths, in this order
	Remove  []string `json:"remove"`  // relative paths
}

// newCommit is the empty commit of the n-th save.
func newCommit(n int) commit { return commit{Journal: path.Join(journalDir, strconv.Itoa(n))} }

func (d *Dir) journaled(c commit, name string) string { return d.at(path.Join(c.Journal, name)) }

// stage writes files to the journal of c and commits to it.
func (d *Dir) stage(files map[string][]byte, c commit) error {
	if err := os.RemoveAll(d.at(journalDir)); err != nil {
		return err
	}
	if err := writeAll(d.at(c.Journal), files); err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return replace(d.at(commitFile), text)
}

// recover does what a committed save has left to do, and clears away what never got so far.
func (d *Dir) recover() error {
	c, err := d.readCommit()
	if err != nil {
		return err
	}
	if c.Journal != "" {
		if err := d.carryOut(c); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(d.at(journalDir)); err != nil {
		return err
	}
	temporary, err := filepath.Glob(d.at(".*.json?*")) // of a replace that was cut off
	if err != nil {
		return err
	}
	for _, file := range temporary {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// readCommit returns the zero commit where no save is under way.
func (d *Dir) readCommit() (commit, error) {
	var c commit
	text, err := os.ReadFile(d.at(commitFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil || c.Journal == "" {
		return c, fmt.Errorf("%s is not readable: restore the directory from a copy", d.at(commitFile))
	}
	return c, nil
}

// carryOut may be repeated: what has been moved or removed already is passed over.
func (d *Dir) carryOut(c commit) error {
	dirs := map[string]bool{d.path: true}
	for _, name := range c.Move {
		to := d.at(name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(d.journaled(c, name), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for dir := filepath.Dir(to); dir != filepath.Clean(d.path); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	for _, name := range c.Remove {
		if err := os.Remove(d.at(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removeEmpty(filepath.Dir(d.at(name)), d.path)
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	if err := os.Remove(d.at(commitFile)); err != nil {
		return err
	}
	return syncDir(d.at(journalDir))
}

// removeEmpty removes dir and its parents below root as far as they are empty.
func removeEmpty(dir, root string) {
	for dir != root && os.Remove(dir) == nil { // refused unless empty, which is what is wanted
		dir = filepath.Dir(dir)
	}
}
