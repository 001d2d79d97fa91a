//go:build linux

package node

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
)

// Settle deletes the images that the State which the machine last was as a whole has spared. It touches nothing else, and may be
// called again. A machine that spared none, or was never whole, has nothing to settle.
func (m Machine) Settle(ctx context.Context) error {
	release, err := m.lock(ctx, lockPatience)
	if err != nil {
		return err
	}
	defer release()
	s, err := m.last()
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(s.Spared) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	inv, err := m.readInventory()
	if err != nil {
		return err
	}
	spared := s.Spared
	s.Spared = nil
	p := m.newPass(inv, s)
	report := func(id string, a Action, reason string) {
		p.emit(event.Event{Kind: event.Changed, Subject: id, Message: string(a) + ": " + reason})
	}
	err = p.deleteOrphans(ctx, inv.orphans(s), report, func(e *entry) bool {
		return strings.HasPrefix(e.ID, "image ") && slices.Contains(spared, e.ID)
	})
	if err != nil {
		return err
	}
	return m.writeLast(s)
}
