package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// Halt stops static pods, and leaves them stopped; its events go to sink as they happen.
func (a *Agent) Halt(ctx context.Context, h node.Halt, sink event.Sink) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return a.events(ctx, bytes.NewReader(text), sink, "halt")
}

// Seeded tells which data etcd has on the machine.
func (a *Agent) Seeded(ctx context.Context) (node.Seeded, error) {
	var out node.Seeded
	err := a.ask(ctx, struct{}{}, &out, "seeded")
	return out, err
}

// Seed makes etcd's data on the machine out of the snapshot that write gives.
func (a *Agent) Seed(ctx context.Context, s node.Seed, write func(io.Writer) error, sink event.Sink) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	var failed error
	done := make(chan struct{})
	go func() {
		failed = write(w)
		w.CloseWithError(failed)
		close(done)
	}()
	err = a.events(ctx, io.MultiReader(bytes.NewReader(text), r), sink, "seed")
	r.CloseWithError(errStopped)
	<-done
	if failed != nil && !errors.Is(failed, errStopped) { // why the machine got no more
		return failed
	}
	return err
}

var errStopped = errors.New("the machine stopped reading")
