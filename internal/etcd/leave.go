package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// ErrLast is a member that cannot leave, being the only one.
var ErrLast = errors.New("it is the last member")

// Leave takes the named member out of the membership, which needs quorum. One that is not in it has left already. etcd
// itself refuses what would cost the others their quorum. The last member cannot leave: that is ErrLast.
func (c *Client) Leave(ctx context.Context, name string) error {
	members, err := c.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Name != name {
			continue
		}
		if len(members) == 1 {
			return ErrLast
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if _, err := c.api.MemberRemove(ctx, m.ID); err != nil && !errors.Is(err, rpctypes.ErrMemberNotFound) {
			return fmt.Errorf("etcd %s: remove member %s: %w", c.endpoint, name, err)
		}
	}
	return nil
}
