package etcd

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Extent is how much the member holds: its revision, which grows with every write, and the number of its keys. It needs quorum.
func (c *Client) Extent(ctx context.Context) (revision, keys int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := c.listening(ctx); err != nil {
		return 0, 0, err
	}
	got, err := c.api.Get(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithCountOnly())
	if err != nil {
		return 0, 0, fmt.Errorf("etcd %s: count keys: %w", c.endpoint, err)
	}
	return got.Header.Revision, got.Count, nil
}
