package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/drill"
)

// Way is how to reach the Service through one node.
type Way struct {
	Node string
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Open is nil where the way itself is. It is asked after a failure, to tell one of the way from one of the Service.
	Open func(ctx context.Context) error
}

// Poll asks for url at a steady rate along each way, with a new connection each time, until ctx ends.
func Poll(ctx context.Context, rec *drill.Recorder, ways []Way, url string, rate float64) {
	var all sync.WaitGroup
	for i, w := range ways {
		client := w.client()
		// Not all at the same moment.
		delay := time.Duration(float64(i) / float64(len(ways)) / rate * float64(time.Second))
		all.Go(func() {
			pace(ctx, rate, delay, rec, func(_ int, due time.Time) {
				s := attempt(ctx, rec, drill.Sample{Kind: drill.Poll, Node: w.Node}, due, func(ctx context.Context, _ bool) error { return ask(ctx, client, url) })
				if s.Error != "" {
					ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptWithin)
					defer cancel()
					s.Unmeasured = w.Open(ctx) != nil
				}
				rec.Add(s)
			})
		})
	}
	all.Wait()
}

// Answers is nil when url answers along the way.
func (w Way) Answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	if err := ask(ctx, w.client(), url); err != nil {
		return fmt.Errorf("the Service through %s: %w", w.Node, err)
	}
	return nil
}

func (w Way) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: w.Dial, DisableKeepAlives: true}}
}

func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %s", answer.Status)
	}
	return nil
}
