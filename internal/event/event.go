// Package event is the vocabulary of progress: what happened, on which node, to what.
// Events are made on the machines and by the operator's process alike and travel as lines of JSON.
package event

import "time"

// Kind says what an Event reports.
type Kind string

const (
	Started  Kind = "started"  // a stage or subject began
	Progress Kind = "progress" // Done of Total units (bytes, nodes, conditions)
	Changed  Kind = "changed"  // the subject was changed on the machine
	Done     Kind = "done"     // a stage or subject ended well
	Waiting  Kind = "waiting"  // a condition is not met yet; Message says why
	Warning  Kind = "warning"  // worth a human's eye, not in the way
	Failed   Kind = "failed"   // a stage or subject ended badly; Message is the error
)

// Event is one thing that happened. It never holds a secret.
type Event struct {
	Time    time.Time `json:"time"`
	Kind    Kind      `json:"kind"`
	Node    string    `json:"node,omitempty"`    // declared name; empty for the cluster as a whole
	Stage   string    `json:"stage,omitempty"`   // plan stage, such as "payload" or "control-plane"
	Subject string    `json:"subject,omitempty"` // what it happened to, such as "file /etc/hosts"
	Message string    `json:"message,omitempty"`
	Done    int64     `json:"done,omitempty"`
	Total   int64     `json:"total,omitempty"`
}

// Sink takes events. Implementations are safe for concurrent use and do not block for long.
type Sink interface{ Emit(Event) }

// SinkFunc makes a Sink of a function.
type SinkFunc func(Event)

// Emit calls f, stamping the time when it is absent.
func (f SinkFunc) Emit(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	f(e)
}

// Discard is the Sink that drops everything.
var Discard Sink = SinkFunc(func(Event) {})

// On returns a Sink that names node and stage in every event that leaves them empty.
func On(s Sink, node, stage string) Sink {
	return SinkFunc(func(e Event) {
		if e.Node == "" {
			e.Node = node
		}
		if e.Stage == "" {
			e.Stage = stage
		}
		s.Emit(e)
	})
}
