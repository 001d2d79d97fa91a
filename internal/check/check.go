// Package check waits for named conditions. What is waited for, and why it does not hold yet, is told
// while waiting and when time runs out.
package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/slipway/slipway/internal/event"
)

// Condition is something that must become true, such as "etcd has 3 healthy voters".
type Condition struct {
	Name string
	Node string                      // where it belongs to one node
	Test func(context.Context) error // nil when it holds; the error says what is missing
}

const (
	interval = 200 * time.Millisecond // between tests, or as long as the last one took if that is longer, up to longest:
	longest  = 5 * time.Second        // a machine that is slow to answer has better to do than to answer again
	tell     = 3 * time.Second        // how often the reason for waiting is told
)

// Wait polls all conditions in parallel until each held once, or ctx ends. The error names every
// condition that did not hold, with what its last test said.
func Wait(ctx context.Context, sink event.Sink, conditions ...Condition) error {
	var g errgroup.Group
	failures := make([]error, len(conditions))
	for i, c := range conditions {
		g.Go(func() error {
			failures[i] = c.wait(ctx, sink)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return errors.Join(failures...)
}

func (c Condition) wait(ctx context.Context, sink event.Sink) error {
	var last error
	var took time.Duration
	told := time.Now()
	pace := wait.DelayFunc(func() time.Duration { return min(max(took, interval), longest) })
	err := pace.Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		asked := time.Now()
		err := c.Test(ctx)
		took = time.Since(asked)
		if err == nil {
			return true, nil
		}
		if ctx.Err() == nil || last == nil { // a test cut off by the deadline says less than the one before
			last = err
		}
		if time.Since(told) > tell {
			told = time.Now()
			sink.Emit(event.Event{Kind: event.Waiting, Node: c.Node, Subject: c.Name, Message: err.Error()})
		}
		return false, nil
	})
	if err == nil {
		sink.Emit(event.Event{Kind: event.Done, Node: c.Node, Subject: c.Name})
		return nil
	}
	if last == nil {
		last = err
	}
	return fmt.Errorf("still waiting for %q: %w", c.Name, last)
}
