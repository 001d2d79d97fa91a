package backup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/archive"
)

// Retain deletes the oldest archives of the cluster from dir, so that the newest keep of them stay, and returns their paths. Only
// whole archives count, and only they are deleted: a damaged one, another cluster's, or any other file is never touched, so that
// there is no way from keep good archives to fewer.
func Retain(dir, clusterID string, keep int) (deleted []string, err error) {
	if keep < 1 {
		return nil, errors.New("at least one archive must be kept")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	type good struct {
		path  string
		taken time.Time
	}
	var own []good
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != Extension {
			continue
		}
		path := filepath.Join(dir, e.Name())
		a, err := archive.Open(path)
		if err != nil {
			continue // not a good one, or not ours to read
		}
		m := a.Manifest()
		if err := a.Close(); err != nil {
			return nil, err
		}
		if m.Cluster.ID == clusterID {
			own = append(own, good{path, m.Taken})
		}
	}
	slices.SortStableFunc(own, func(a, b good) int { return b.taken.Compare(a.taken) })
	for _, old := range own[min(keep, len(own)):] {
		if err := os.Remove(old.path); err != nil {
			return deleted, err
		}
		deleted = append(deleted, old.path)
	}
	return deleted, nil
}
