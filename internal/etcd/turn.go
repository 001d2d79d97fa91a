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

// errTooLong ends the work of who was given a turn and does not come to an end.
var errTooLong = errors.New("it took longer than a turn may")

// Patience is how long a turn is waited for, from when it is asked for, and how long the work may take, from when it is given. Work that
// goes on all the same, such as a disk that does not answer, loses the turn to the next after some grace.
type Patience struct{ Wait, Work, Grace time.Duration }

// Turn does the work while nobody else does theirs under the same key, on whatever machine: it waits for its turn, in the order of
// asking. Who dies loses the turn to the next within half a minute. It needs a quorum. The work's context ends when the turn is lost, and
// when its time is up.
func (c *Client) Turn(ctx context.Context, key string, p Patience, work func(context.Context) error) (err error) {
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
	if err := c.queue(ctx, concurrency.NewMutex(session, key), p.Wait); err != nil {
		return err
	}
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	stop := context.AfterFunc(session.Ctx(), func() { lose(errLostTurn) })
	defer stop()
	release := time.AfterFunc(p.Work+p.Grace, func() { _ = session.Close() })
	defer release.Stop()
	timed, end := context.WithTimeoutCause(held, p.Work, fmt.Errorf("%w, %s", errTooLong, p.Work))
	defer end()
	if err := work(timed); err != nil {
		if cause := context.Cause(timed); errors.Is(cause, errLostTurn) || errors.Is(cause, errTooLong) {
			return errors.Join(cause, err)
		}
		return err
	}
	return nil
}

// queue waits for the turn.
func (c *Client) queue(ctx context.Context, turn *concurrency.Mutex, wait time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("who had it before did not end within %s", wait))
	defer cancel()
	err := turn.Lock(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("etcd %s: wait for a turn: %w", c.endpoint, err)
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
