package bootstrap

import (
	"errors"
	"os"
	"path/filepath"
)

// PathError is a path to which nothing can be written.
type PathError struct{ path, why string }

func (e *PathError) Error() string { return e.path + " " + e.why }

// keptPath is where what is kept of a cluster goes, absolute: the path that was asked for, or name in that folder of the state directory, or
// in the folder that was asked for. What is there already is refused, unless force says otherwise.
func (r *Run) keptPath(path, folder, name string, force bool) (string, error) {
	if path == "" {
		dir := filepath.Join(r.dir.Path(), folder)
		return filepath.Join(dir, name), os.MkdirAll(dir, 0o700)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if is, err := os.Stat(path); err == nil && is.IsDir() {
		path = filepath.Join(path, name)
	}
	switch _, err := os.Stat(path); {
	case err == nil && !force:
		return "", &PathError{path, "is there already: name another, or replace it with --force"}
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	if is, err := os.Stat(filepath.Dir(path)); err != nil || !is.IsDir() {
		return "", &PathError{filepath.Dir(path), "is no folder"}
	}
	return path, nil
}
