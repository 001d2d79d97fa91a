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
	told         bool      // its beginning was told, so its end will be
	failed       bool
	subject      string   // in hand, "" for none
	message      string   // what failed
	waits        []notice // conditions that it waits for, by subject, latest last
	waiting      bool     // nothing has moved since the latest of them
	changed      int
	progress
}

// notice is a warning about a node, or a condition and why it is not met.
type notice struct{ about, text string }

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

// stage finds or makes the stage of that name.
func (t *tracker) stage(node, name string, now time.Time) *stage {
	l := t.lane(node)
	for _, s := range l.stages {
		if s.name == name {
			l.last = s
			return s
		}
	}
	s := &stage{name: name, node: node, began: now}
	l.stages, l.last = append(l.stages, s), s
	if !slices.Contains(t.stages, name) {
		t.stages = append(t.stages, name)
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
	}
	if e.Stage == "" {
		// Work without stages, such as building a bundle: its subjects are what there is to follow.
		// What is changed or warned of in passing is no such work.
		if e.Kind == event.Changed || e.Kind == event.Warning {
			return &stage{node: e.Node, began: now, ended: now}
		}
		e.Stage, e.Subject = oneLine(e.Subject), ""
	}
	s := t.stage(e.Node, e.Stage, now)
	s.take(e, now)
	if e.Node == "" && e.Kind == event.Done && e.Subject == "" {
		t.endOnNodes(s.name, now)
	}
	return s
}

// endOnNodes ends the stage on the nodes that did not tell its end themselves.
func (t *tracker) endOnNodes(name string, now time.Time) {
	for _, l := range t.lanes {
		for _, s := range l.stages {
			if s.name == name && s.running() {
				s.end(now)
			}
		}
	}
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
