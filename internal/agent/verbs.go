package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/node"
)

// Facts asks the machine what it is.
func (a *Agent) Facts(ctx context.Context, ask node.Ask) (node.Facts, error) {
	var facts node.Facts
	err := a.ask(ctx, ask, &facts, "facts")
	return facts, err
}

// Diff asks the machine what differs from s. It changes nothing there.
func (a *Agent) Diff(ctx context.Context, s node.State) ([]node.Change, error) {
	var changes []node.Change
	err := a.ask(ctx, s, &changes, "diff")
	return changes, err
}

// Send streams to the machine those blobs of b that changes need and it lacks, with progress in bytes.
func (a *Agent) Send(ctx context.Context, b *bundle.Bundle, changes []node.Change, sink event.Sink) error {
	wanted, total := needed(changes)
	if len(wanted) == 0 {
		return nil
	}
	var missing []string
	if err := a.ask(ctx, wanted, &missing, "missing"); err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	var size int64
	for _, digest := range missing {
		size += total[digest]
	}
	var sent int64
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(b.WriteTar(w, missing, func(n int64) {
			sent += n
			sink.Emit(event.Event{Kind: event.Progress, Subject: "payload", Done: sent, Total: size})
		}))
	}()
	err := a.call(ctx, r, nil, "store")
	r.CloseWithError(errors.New("the machine stopped reading"))
	return err
}

// needed lists the blobs of changes once each, in order, with their sizes.
func needed(changes []node.Change) (digests []string, sizes map[string]int64) {
	sizes = map[string]int64{}
	for _, c := range changes {
		for _, b := range c.Blobs {
			if _, seen := sizes[b.Digest]; !seen {
				sizes[b.Digest] = b.Size
				digests = append(digests, b.Digest)
			}
		}
	}
	return digests, sizes
}

// Converge makes the machine what s says; its events go to sink as they happen.
// Idempotent; whatever interrupts it, calling it again finishes.
func (a *Agent) Converge(ctx context.Context, s node.State, sink event.Sink) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return a.events(ctx, bytes.NewReader(text), sink, "converge")
}

// Restore makes the machine what it was when it last converged as a whole; its events go to sink as they happen.
func (a *Agent) Restore(ctx context.Context, sink event.Sink) error {
	return a.events(ctx, bytes.NewReader(nil), sink, "restore")
}

// Await waits, no longer than their patience, until the machine's static pods run as wanted, and tells which do not.
func (a *Agent) Await(ctx context.Context, pods node.Await) (node.Awaited, error) {
	var found node.Awaited
	err := a.ask(ctx, pods, &found, "await")
	return found, err
}

// Yield lets another machine have the shared address.
func (a *Agent) Yield(ctx context.Context, y node.Yield) error {
	text, err := json.Marshal(y)
	if err != nil {
		return err
	}
	return a.call(ctx, bytes.NewReader(text), nil, "yield")
}

// Clean takes everything of Slipway off the machine, itself last.
func (a *Agent) Clean(ctx context.Context, options node.Cleaning, sink event.Sink) error {
	text, err := json.Marshal(options)
	if err != nil {
		return err
	}
	return a.events(ctx, bytes.NewReader(text), sink, "clean")
}

// events runs a verb that prints events. A failure that an event told of is returned in its words.
func (a *Agent) events(ctx context.Context, stdin io.Reader, sink event.Sink, verb ...string) error {
	r, w := io.Pipe()
	var failures []string
	done := make(chan error, 1)
	go func() {
		err := event.Decode(r, event.SinkFunc(func(e event.Event) {
			if e.Kind == event.Failed {
				failures = append(failures, describe(e))
			}
			sink.Emit(e)
		}))
		r.CloseWithError(err)
		done <- err
	}()
	err := a.call(ctx, stdin, w, verb...)
	w.Close()
	decodeErr := <-done
	if err == nil {
		return decodeErr
	}
	if run, ok := asRunError(err); ok && len(failures) > 0 {
		return fmt.Errorf("%s: %s", run.Host, failures[0])
	}
	return err
}

func describe(e event.Event) string {
	if e.Subject == "" {
		return e.Message
	}
	return e.Subject + ": " + e.Message
}

func asRunError(err error) (*host.RunError, bool) {
	var run *host.RunError
	ok := errors.As(err, &run)
	return run, ok
}

// AdoptNetwork makes the machine use Slipway's pod network where another's comes first.
func (a *Agent) AdoptNetwork(ctx context.Context, sink event.Sink) error {
	return a.events(ctx, strings.NewReader("{}"), sink, "network")
}

// Settle deletes the images that the machine's last State has spared.
func (a *Agent) Settle(ctx context.Context, sink event.Sink) error {
	return a.events(ctx, bytes.NewReader(nil), sink, "settle")
}

// Archives lists the archives in a folder of the machine, as backup.Catalogue gives them, into the list that out points to.
func (a *Agent) Archives(ctx context.Context, folder string, out any) error {
	return a.ask(ctx, folder, out, "archives")
}
