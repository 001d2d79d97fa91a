package ui

import (
	"time"

	"github.com/slipway/slipway/internal/event"
)

// Course is what a Feed shows.
type Course struct {
	Title string   // "apply prod"
	Nodes []string // in the order to show; others are added as they appear
	// Query says that the verb answers with a document, such as plan and status do: a live display
	// leaves nothing behind, and JSON events go to stderr, so that stdout holds the answer alone.
	Query bool
}

// Feed shows events as they come. Emit is safe for concurrent use, returns at once and takes the
// same time whatever the display.
type Feed interface {
	event.Sink
	// Close settles the display. Nothing may be emitted after it. It may be called twice.
	Close()
	// Times is how long each stage took, in order of beginning; running ones until now.
	Times() []StageTime
}

// Follow begins to show a course; the caller closes the Feed before it writes anything else.
// The display reads no input and sets no mode of the terminal, so signals reach the process as ever
// and there is nothing to restore however the process ends.
func (o *Output) Follow(c Course) Feed {
	if o.format == JSON {
		w := o.out.w
		if c.Query {
			w = o.err.w
		}
		return &jsonFeed{Sink: event.NewEncoder(w), record: newRecord(c)}
	}
	if w, h := o.err.size(); o.err.terminal != nil && w >= minWidth && h >= minHeight {
		return newLiveFeed(o.err, c)
	}
	return newLineFeed(o.err, c, time.Now)
}

// jsonFeed writes each event as one line of JSON.
type jsonFeed struct {
	event.Sink
	*record
}

func (f *jsonFeed) Emit(e event.Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	f.record.Emit(e)
	f.Sink.Emit(e)
}

func (f *jsonFeed) Close() {}
