package ui

import (
	"slices"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// tracker makes a picture of a course out of its events. Times are those of arrival, since the
// machines' clocks may be off. It is not safe for concurrent use.
type tracker struct {
	began    time.Time
	lanes    []*lane // nodes in the order given, then in order of appearance
	cluster  *lane   // what happens to no node alone
	stages   []string
	warnings []notice
}

// lane is what happens on one node.
type lane struct {
	node   string
	stages []*stage
	last   *stage // of the latest event
}

// stage is one stage on one node, or on the cluster as a whole.
type stage struct {
	name         string
	node         string
	began, ended time.Time // ended is zero while it runs
	failed       bool
	subject      string // in hand, "" for none
	message      string // why it waits or what failed
	changed      int
	progress
}

// notice is a warning.
type notice struct{ node, text string }

func newTracker(nodes []string, now time.Time) *tracker {
	t := &tracker{began: now, cluster: &lane{}}
	for _, n := range nodes {
		t.lanes = append(t.lanes, &lane{node: n})
	}
	return t
}

func (t *tracker) lane(node string) *lane {
	if node == "" {
		return t.cluster
	}
	for _, l := range t.lanes {
		if l.node == node {
			return l
		}
	}
	l := &lane{node: node}
	t.lanes = append(t.lanes, l)
	return l
}

// stage finds the stage of an event. An event without a stage belongs to what its node is at.
func (t *tracker) stage(e event.Event, now time.Time) *stage {
	l := t.lane(e.Node)
	if e.Stage == "" && l.last != nil {
		return l.last
	}
	for _, s := range l.stages {
		if s.name == e.Stage {
			l.last = s
			return s
		}
	}
	s := &stage{name: e.Stage, node: e.Node, began: now}
	l.stages, l.last = append(l.stages, s), s
	if !slices.Contains(t.stages, s.name) {
		t.stages = append(t.stages, s.name)
	}
	return s
}

// take adds e to the picture and returns the stage that it is about.
func (t *tracker) take(e event.Event, now time.Time) *stage {
	if e.Kind == event.Warning {
		n := notice{e.Node, oneLine(joined(e.Subject, e.Message))}
		if !slices.Contains(t.warnings, n) {
			t.warnings = append(t.warnings, n)
		}
		if e.Stage == "" {
			return &stage{node: e.Node, began: now, ended: now}
		}
	}
	s := t.stage(e, now)
	whole := e.Subject == ""
	if s.failed && e.Kind != event.Failed && e.Kind != event.Warning && e.Kind != event.Done {
		s.failed, s.ended = false, time.Time{} // it goes on, or is tried again
	}
	switch e.Kind {
	case event.Started:
		if whole && !s.ended.IsZero() { // a stage that is gone through again
			*s = stage{name: s.name, node: s.node, began: now, changed: s.changed}
		}
		s.subject, s.message = oneLine(e.Subject), ""
	case event.Progress:
		s.subject, s.message = oneLine(e.Subject), ""
		s.progress.take(e, now)
	case event.Changed:
		s.changed++
		s.subject, s.message = oneLine(e.Subject), ""
	case event.Waiting:
		s.subject, s.message = oneLine(e.Subject), oneLine(e.Message)
	case event.Failed:
		s.failed, s.ended, s.message = true, now, oneLine(joined(e.Subject, e.Message))
	case event.Done:
		s.message = ""
		if whole {
			s.ended, s.subject, s.failed = now, "", false
		}
	}
	return s
}

func (s *stage) running() bool { return s.ended.IsZero() && !s.failed }

func (s *stage) took(now time.Time) time.Duration {
	if s.ended.IsZero() {
		return now.Sub(s.began)
	}
	return s.ended.Sub(s.began)
}

// current is the stage to show for a node: what failed, else what runs, else what ended last.
func (l *lane) current() *stage {
	var running *stage
	for _, s := range l.stages {
		if s.failed {
			return s
		}
		if s.running() {
			running = s
		}
	}
	if running != nil && l.last != nil && !l.last.running() {
		return running
	}
	return l.last
}

func joined(subject, message string) string {
	if subject == "" || message == "" {
		return subject + message
	}
	return subject + ": " + message
}
