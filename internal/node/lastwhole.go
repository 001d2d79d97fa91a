//go:build linux

package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/google/renameio/v2"

	"github.com/slipway/slipway/internal/layout"
)

// lastPath is the State that the machine last converged to as a whole, with the secrets in it: what Restore goes back to.
func (m Machine) lastPath() string { return m.path(layout.Home, "last.json") }

// keepLast remembers s, as soon as the machine is as s says as a whole.
func (m Machine) keepLast(s State) error {
	if err := m.writeLast(s); err != nil {
		return err
	}
	if err := m.dropAside(); err != nil {
		return err
	}
	return m.endPart()
}

func (m Machine) writeLast(s State) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return renameio.WriteFile(m.lastPath(), text, 0o600)
}

// last is what keepLast remembered; the error is fs.ErrNotExist where the machine was never whole.
func (m Machine) last() (s State, err error) {
	text, err := os.ReadFile(m.lastPath())
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s is damaged: %w", m.lastPath(), err)
	}
	return s, nil
}

// Restore makes the machine what it was when it last converged as a whole: it undoes what was converged in parts since.
func (m Machine) Restore(ctx context.Context) error {
	s, err := m.last()
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there: what this machine ran before is not known to it", m.lastPath())
	}
	if err != nil {
		return err
	}
	return m.Converge(ctx, s)
}
