package statedir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// read returns one file, fs.ErrNotExist when it is not there. Like setFiles it sees the directory as it is
// once a committed save has been carried out.
func (d *Dir) read(name string) ([]byte, error) {
	c, err := d.readCommit()
	if err != nil {
		return nil, err
	}
	return d.resolve(c, name)
}

// setFiles returns the Set's files by relative, slash-separated path.
func (d *Dir) setFiles() (map[string][]byte, error) {
	c, err := d.readCommit()
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, dir := range setDirs() {
		if err := d.list(dir, names); err != nil {
			return nil, err
		}
	}
	for _, name := range c.Move {
		names[name] = true
	}
	for _, name := range append(c.Remove, markerFile) {
		delete(names, name)
	}
	files := map[string][]byte{}
	for name := range names {
		content, err := d.resolve(c, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed by a save that the marker gives away
		}
		if err != nil {
			return nil, err
		}
		files[name] = content
	}
	return files, nil
}

// resolve reads name from the journal of c, or from its place where it has been moved already or c leaves it alone.
func (d *Dir) resolve(c commit, name string) ([]byte, error) {
	if c.Journal != "" {
		content, err := os.ReadFile(d.journaled(c, name))
		if !errors.Is(err, fs.ErrNotExist) {
			return content, err
		}
	}
	return os.ReadFile(d.at(name))
}

// list adds the regular files below dir to names.
func (d *Dir) list(dir string, names map[string]bool) error {
	return filepath.WalkDir(d.at(dir), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(d.path, path)
		names[filepath.ToSlash(name)] = true
		return err
	})
}
