// Package load puts a steady, small load on a running cluster and takes down the fate of every request: writers and readers of the
// API with a new connection each, a watch, and polls of a Service through every node. It is told how to connect, and knows
// nothing of SSH.
package load

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/drill"
)

const (
	attemptWithin = 5 * time.Second // for one attempt
	retryAfter    = time.Second     // what client-go waits, too, where the server does not say
)

// pace calls do at a steady rate per second, beginning after delay, until ctx ends, and then waits for all calls. It is an open
// loop: a call that takes long delays no other.
func pace(ctx context.Context, rate float64, delay time.Duration, rec *drill.Recorder, do func(n int, due time.Time)) {
	var calls sync.WaitGroup
	defer calls.Wait()
	begin := time.Now().Add(delay)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for n := 0; ; n++ {
		due := begin.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		calls.Go(func() {
			rec.Late(time.Since(due))
			do(n, due)
		})
	}
}

// attempt makes one request, and one more a little later where it fails. The load's end is no reason to give up a request
// that is under way: its fate counts.
func attempt(ctx context.Context, rec *drill.Recorder, s drill.Sample, due time.Time, once func(ctx context.Context, again bool) error) drill.Sample {
	s.At = rec.Since(due)
	try := func(again bool) (string, float64) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptWithin)
		defer cancel()
		err := once(ctx, again)
		seconds := rec.Since(time.Now()) - s.At
		return reason(err), float64(int(seconds*1e4)) / 1e4
	}
	if s.Error, s.Seconds = try(false); s.Error != "" {
		time.Sleep(retryAfter)
		retry := drill.Retry{}
		retry.Error, retry.Seconds = try(true)
		s.Retry = &retry
	}
	return s
}

// reason is err in a few words, "" for none.
func reason(err error) string {
	if err == nil {
		return ""
	}
	var request *url.Error
	if errors.As(err, &request) { // what was asked for is known
		err = request.Err
	}
	text := []rune(err.Error())
	if len(text) > 200 {
		text = append(text[:199], '…')
	}
	return string(text)
}
