//go:build linux

package node

import (
	"context"
	"errors"
	"io/fs"
	"slices"
)

// Adjust converges s, which is a part, and makes it lasting: a machine that goes back to what it last was as a whole has it, too. What else
// is on the machine stays. Killed in between, it is to be run again.
func (m Machine) Adjust(ctx context.Context, s State) error {
	s.Part = true
	return m.converge(ctx, s, nothing, func() error {
		last, err := m.last()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there is nothing that it could go back to
		}
		if err != nil {
			return err
		}
		return m.writeLast(last.with(s.Resources))
	})
}

// with is s with resources in place of those of their IDs, or behind them.
func (s State) with(resources []Resource) State {
	s.Resources = slices.Clone(s.Resources)
	for _, r := range resources {
		if i := slices.IndexFunc(s.Resources, func(o Resource) bool { return o.ID() == r.ID() }); i >= 0 {
			s.Resources[i] = r
		} else {
			s.Resources = append(s.Resources, r)
		}
	}
	return s
}
