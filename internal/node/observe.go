package node

import (
	"context"
	"errors"
)

// Look is what one Observe is to find out.
type Look struct {
	Ask   Ask    `json:"ask"`
	State *State `json:"state,omitempty"` // nil: facts only
}

// Observation is what one Observe has found.
type Observation struct {
	Facts   Facts    `json:"facts"`
	Changes []Change `json:"changes"` // nil without a State, and on another cluster's machine, which Facts tells
}

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
