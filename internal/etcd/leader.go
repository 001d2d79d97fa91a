package etcd

import (
	"context"
	"fmt"
)

// MoveLeader makes another voter the leader, if this member is it. Where there is no other, it stays.
func (c *Client) MoveLeader(ctx context.Context) error {
	s, err := c.Status(ctx)
	if err != nil || s.Leader != s.ID {
		return err
	}
	members, err := c.Members(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.ID != s.ID && !m.Learner && m.Client != "" {
			if _, err := c.api.MoveLeader(ctx, m.ID); err != nil {
				return fmt.Errorf("etcd %s: hand the leadership to %s: %w", c.endpoint, m.Name, err)
			}
			return nil
		}
	}
	return nil
}
