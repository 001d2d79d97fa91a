package ui

import (
	"cmp"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// take adds an event of this stage.
func (s *stage) take(e event.Event, now time.Time) {
	whole := e.Subject == ""
	if s.failed || !s.ended.IsZero() && !s.told {
		switch e.Kind {
		case event.Started, event.Progress, event.Changed, event.Waiting: // it goes on, or is tried again
			s.failed, s.ended = false, time.Time{}
		}
	}
	switch e.Kind {
	case event.Started:
		if whole && !s.ended.IsZero() { // it is gone through again
			*s = stage{name: s.name, node: s.node, began: now, changed: s.changed}
		}
		s.told = s.told || whole
		s.turnTo(e)
	case event.Progress:
		s.turnTo(e)
		s.progress.take(e, now)
	case event.Changed:
		s.changed++
		s.turnTo(e)
		if e.Total > 0 { // the how manieth change of the stage it is
			s.progress.take(event.Event{Done: e.Done, Total: e.Total}, now)
		}
	case event.Waiting:
		s.unwait(e)
		s.waits, s.waiting = append(s.waits, notice{oneLine(e.Subject), oneLine(e.Message)}), true
	case event.Failed:
		s.failed, s.ended, s.message = true, now, oneLine(joined(e.Subject, e.Message))
	case event.Done:
		s.unwait(e)
		if whole {
			s.end(now)
			return
		}
		s.finish(e.Subject)
		s.waiting = len(s.waits) > 0
		if !s.told && !s.waiting { // no one will tell its end
			s.ended = now
		}
	}
}

func (s *stage) end(now time.Time) {
	s.ended, s.failed, s.subject, s.waits, s.waiting = now, false, "", nil, false
}

// turnTo makes the subject of e what is in hand.
func (s *stage) turnTo(e event.Event) {
	s.unwait(e)
	s.subject, s.waiting = oneLine(cmp.Or(e.Subject, e.Message)), false
}

func (s *stage) unwait(e event.Event) {
	subject := oneLine(e.Subject)
	s.waits = slices.DeleteFunc(s.waits, func(n notice) bool { return n.about == subject })
}

// wait is the condition to show, "" when the stage moves.
func (s *stage) wait() string {
	if !s.waiting || len(s.waits) == 0 {
		return ""
	}
	n := s.waits[len(s.waits)-1]
	return joined(n.about, n.text)
}

func (s *stage) running() bool { return s.ended.IsZero() && !s.failed }

func (s *stage) took(now time.Time) time.Duration {
	if s.ended.IsZero() {
		return now.Sub(s.began)
	}
	return s.ended.Sub(s.began)
}
