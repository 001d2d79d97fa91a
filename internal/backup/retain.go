package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway/slipway/internal/store"
)

// Retain deletes the oldest archives of the cluster from the store, so that the newest keep of them stay, and returns their paths.
// Only archives that are whole count, and only they are deleted: a damaged one, another cluster's, or any other file is never touched.
// In a directory that is whole which has the right sum; in an object store, which looks after sums itself, what ends as an archive
// does. Where something is to be deleted, the newest that stays is read from beginning to end first.
func Retain(ctx context.Context, s store.Store, clusterID string, keep int) (deleted []string, err error) {
	if keep < 1 {
		return nil, errors.New("at least one archive must be kept")
	}
	all, err := Catalogue(ctx, s, false)
	if err != nil {
		return nil, err
	}
	var own []Listed
	for _, a := range all { // newest first
		if a.Error == "" && a.Manifest.Cluster.ID == clusterID {
			own = append(own, a)
		}
	}
	if len(own) <= keep {
		return nil, nil
	}
	if err := readWhole(ctx, s, own[0]); err != nil {
		return nil, fmt.Errorf("nothing is deleted: %w", err)
	}
	for _, old := range own[keep:] {
		if err := s.Delete(ctx, old.Name); err != nil {
			return deleted, err
		}
		deleted = append(deleted, old.Path)
	}
	return deleted, nil
}
