package etcd

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// holding takes the turn and returns once it has it; end lets it go, done is what came of it.
func holding(t *testing.T, c *Client, p Patience, heeds bool) (end func(), done chan error) {
	t.Helper()
	begun, over := make(chan struct{}), make(chan struct{})
	done = make(chan error, 1)
	go func() {
		done <- c.Turn(context.Background(), "/turn", p, func(ctx context.Context) error {
			close(begun)
			if !heeds {
				<-over
				return ctx.Err()
			}
			select {
			case <-over:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
	}()
	select {
	case <-begun:
	case err := <-done:
		t.Fatal(err)
	}
	return func() { close(over) }, done
}

// TestWorkIsTimedFromTheTurn: whoever waited for another has all of its own time, and is not kept waiting for ever.
func TestWorkIsTimedFromTheTurn(t *testing.T) {
	c := alone(t)
	long := Patience{Wait: time.Hour, Work: time.Hour, Grace: time.Hour}
	end, done := holding(t, c, long, true)
	ended := make(chan time.Time, 1)
	time.AfterFunc(300*time.Millisecond, func() {
		ended <- time.Now()
		end()
	})
	err := c.Turn(t.Context(), "/turn", long, func(ctx context.Context) error {
		before := <-ended
		if until, ok := ctx.Deadline(); !ok || until.Before(before.Add(long.Work)) {
			t.Errorf("its time is up at %s, though it was given the turn after %s", until, before)
		}
		return nil
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Error(err)
	}

	end, done = holding(t, c, long, true)
	err = c.Turn(t.Context(), "/turn", Patience{Wait: 100 * time.Millisecond, Work: time.Hour}, func(context.Context) error {
		t.Error("two have the turn")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "did not end within 100ms") {
		t.Error(err)
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWhoHangsIsFollowed: work that takes too long is told to end; where it does not, the next in line has the turn all the same.
func TestWhoHangsIsFollowed(t *testing.T) {
	c := alone(t)
	short := Patience{Wait: time.Hour, Work: 100 * time.Millisecond, Grace: 100 * time.Millisecond}
	_, done := holding(t, c, short, true)
	if err := <-done; !errors.Is(err, errTooLong) {
		t.Errorf("who heeds it: %v", err)
	}
	end, done := holding(t, c, short, false)
	followed := false
	err := c.Turn(t.Context(), "/turn", Patience{Wait: time.Minute, Work: time.Hour}, func(context.Context) error {
		followed = true
		return nil
	})
	if err != nil || !followed || len(done) > 0 {
		t.Errorf("followed %t, %v", followed, err)
	}
	end()
	if err := <-done; !errors.Is(err, errLostTurn) && !errors.Is(err, errTooLong) {
		t.Error(err)
	}
}
