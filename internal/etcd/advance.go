package etcd

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

const (
	// advanceKey lies outside of what Kubernetes stores.
	advanceKey = "slipway/advance"
	writers    = 128
)

// Advance raises the store's revision by at least so much and compacts all before it. Whoever follows the store and has seen more
// of it than is left learns by that that he must read everything anew, instead of taking the next changes for ones that he knows.
// etcdutl snapshot restore does the same with --bump-revision --mark-compacted.
func (c *Client) Advance(ctx context.Context, by int) (revision int64, err error) {
	var g errgroup.Group
	g.SetLimit(writers)
	for range by {
		g.Go(func() error {
			within, cancel := context.WithTimeout(ctx, answerWithin)
			defer cancel()
			_, err := c.api.Put(within, advanceKey, "")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, fmt.Errorf("etcd %s: raise the revision: %w", c.endpoint, err)
	}
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	gone, err := c.api.Delete(within, advanceKey)
	if err != nil {
		return 0, fmt.Errorf("etcd %s: raise the revision: %w", c.endpoint, err)
	}
	revision = gone.Header.Revision
	if _, err := c.api.Compact(within, revision); err != nil {
		return 0, fmt.Errorf("etcd %s: compact to revision %d: %w", c.endpoint, revision, err)
	}
	return revision, nil
}
