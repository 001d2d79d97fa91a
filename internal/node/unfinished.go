//go:build linux

package node

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/slipway/slipway/internal/layout"
)

// partPath is there while the machine is converged in parts.
func (m Machine) partPath() string { return m.path(layout.Home, "part") }

func (m Machine) beginPart() error {
	if err := os.MkdirAll(filepath.Dir(m.partPath()), 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(m.partPath(), nil, 0o600)
}

func (m Machine) endPart() error {
	if err := os.Remove(m.partPath()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unfinished is the change that ends parts, if there are any to end.
func (m Machine) unfinished(s State) ([]Change, error) {
	_, err := os.Stat(m.partPath())
	switch {
	case s.Part || errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []Change{{ID: Unfinished, Action: Update, Reason: "a run was cut off before this machine had come through"}}, nil
}
