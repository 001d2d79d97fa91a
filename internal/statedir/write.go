package statedir

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"
)

// writeAll writes new files below dir and does not return before the disk has them.
func writeAll(dir string, files map[string][]byte) error {
	dirs := map[string]bool{dir: true}
	for name := range files {
		for parent := filepath.Dir(filepath.Join(dir, filepath.FromSlash(name))); parent != dir; parent = filepath.Dir(parent) {
			dirs[parent] = true
		}
	}
	for dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	var group errgroup.Group
	group.SetLimit(16) // waiting for the disk, not for a processor
	for name, content := range files {
		group.Go(func() error { return writeSynced(filepath.Join(dir, filepath.FromSlash(name)), content) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// replace puts content at path so that a reader, and a machine that lost its power, sees all of it or none.
func replace(path string, content []byte) error {
	if err := renameio.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
