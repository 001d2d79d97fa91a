package ui

import (
	"slices"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// record is a tracker behind a lock: what every Feed keeps.
type record struct {
	mu    sync.Mutex
	track *tracker
}

func newRecord(c Course) *record {
	return &record{track: newTracker(c.Nodes, time.Now())}
}

func (r *record) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.track.take(e, time.Now())
}

func (r *record) Times() []StageTime {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.track.times(time.Now())
}

// StageTime is how long one stage took from its first node's start to its last node's end.
type StageTime struct {
	Stage   string  `json:"stage"`
	Start   float64 `json:"start"`   // seconds after the course began
	Seconds float64 `json:"seconds"` // from the first start to the last end
	Nodes   int     `json:"nodes"`   // 0 for a stage of the cluster as a whole
	Slowest string  `json:"slowest,omitempty"`
	Longest float64 `json:"longest,omitempty"` // seconds on the slowest node
	Failed  bool    `json:"failed,omitempty"`
}

func (t *tracker) times(now time.Time) []StageTime {
	var out []StageTime
	for _, name := range t.stages {
		if name == "" {
			continue
		}
		out = append(out, t.timeOf(name, now))
	}
	slices.SortStableFunc(out, func(a, b StageTime) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	})
	return out
}

func (t *tracker) timeOf(name string, now time.Time) StageTime {
	st := StageTime{Stage: name}
	var first, last time.Time
	for _, s := range t.named(name) {
		end := s.began.Add(s.took(now))
		if first.IsZero() || s.began.Before(first) {
			first = s.began
		}
		if end.After(last) {
			last = end
		}
		st.Failed = st.Failed || s.failed
		if s.node == "" {
			continue
		}
		st.Nodes++
		if d := s.took(now).Seconds(); d > st.Longest {
			st.Slowest, st.Longest = s.node, d
		}
	}
	st.Start, st.Seconds = first.Sub(t.began).Seconds(), last.Sub(first).Seconds()
	return st
}

// named lists the stages of that name on all lanes.
func (t *tracker) named(name string) []*stage {
	var out []*stage
	for _, l := range append([]*lane{t.cluster}, t.lanes...) {
		for _, s := range l.stages {
			if s.name == name {
				out = append(out, s)
			}
		}
	}
	return out
}
