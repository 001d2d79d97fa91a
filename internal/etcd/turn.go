package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// turnTTL is how long a holder that died keeps the others waiting.
const turnTTL = 30 * time.Second

// errLostTurn ends the work of who could not tell etcd any more that it lives.
var errLostTurn = errors.New("etcd took the turn back: it was not heard from in time")

// Turn does the work while nobody else does theirs under the same key, on whatever machine: it waits for its turn, in the order of
// asking. Who dies loses the turn to the next within half a minute. It needs a quorum. The work's context ends when the turn is lost.
func (c *Client) Turn(ctx context.Context, key string, work func(context.Context) error) (err error) {
	if err := c.Voting(ctx); err != nil {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	lease, err := c.api.Grant(asked, int64(turnTTL.Seconds()))
	if err != nil {
		return fmt.Errorf("etcd %s: ask for a turn: %w", c.endpoint, err)
	}
	session, err := concurrency.NewSession(c.api, concurrency.WithTTL(int(turnTTL.Seconds())), concurrency.WithLease(lease.ID))
	if err == nil && session == nil {
		err = errors.New("the lease is not kept alive")
	}
	if err != nil {
		return fmt.Errorf("etcd %s: ask for a turn: %w", c.endpoint, err)
	}
	defer func() { _ = session.Close() }() // at the latest the lease ends by itself
	if err := concurrency.NewMutex(session, key).Lock(ctx); err != nil {
		return fmt.Errorf("etcd %s: wait for a turn: %w", c.endpoint, err)
	}
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	stop := context.AfterFunc(session.Ctx(), func() { lose(errLostTurn) })
	defer stop()
	if err := work(held); err != nil {
		if cause := context.Cause(held); errors.Is(cause, errLostTurn) {
			return errors.Join(cause, err)
		}
		return err
	}
	return nil
}

// Remember keeps a value at the key, outside of what is Kubernetes'.
func (c *Client) Remember(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if _, err := c.api.Put(ctx, key, string(value)); err != nil {
		return fmt.Errorf("etcd %s: write %s: %w", c.endpoint, key, err)
	}
	return nil
}

// Recall is what Remember kept there last, nil where that is nothing. With any it may be a little behind, and needs no quorum.
func (c *Client) Recall(ctx context.Context, key string, any bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := c.listening(ctx); err != nil {
		return nil, err
	}
	var how []clientv3.OpOption
	if any {
		how = append(how, clientv3.WithSerializable())
	}
	got, err := c.api.Get(ctx, key, how...)
	if err != nil {
		return nil, fmt.Errorf("etcd %s: read %s: %w", c.endpoint, key, err)
	}
	if len(got.Kvs) == 0 {
		return nil, nil
	}
	return got.Kvs[0].Value, nil
}
