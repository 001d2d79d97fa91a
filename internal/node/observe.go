//go:build linux

package node

import (
	"context"
	"errors"
)

// Observe is Facts and Diff in one call, to save a round trip. It changes nothing.
func (m Machine) Observe(ctx context.Context, l Look) (Observation, error) {
	var seen Observation
	var err error
	if seen.Facts, err = m.Facts(ctx, l.Ask); err != nil || l.State == nil {
		return seen, err
	}
	seen.Changes, err = m.Diff(ctx, *l.State)
	if foreign := new(ForeignError); errors.As(err, &foreign) {
		err = nil
	}
	return seen, err
}
