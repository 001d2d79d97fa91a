package ui

import (
	"time"

	"github.com/slipway/slipway/internal/event"
)

// progress adds up the progress of a stage: of the stage as a whole where events tell of that,
// else of those subjects that are under way, since several may be at once.
type progress struct {
	subjects map[string][2]int64 // done and total by subject; "" is the stage itself
	since    time.Time           // first told of
	moved    int64               // units since then
}

func (p *progress) take(e event.Event, now time.Time) {
	if p.subjects == nil {
		p.subjects, p.since = map[string][2]int64{}, now
	}
	before := p.subjects[e.Subject][0]
	_, whole := p.subjects[""]
	if !whole || e.Subject == "" {
		p.moved += max(0, e.Done-before)
	}
	p.subjects[e.Subject] = [2]int64{e.Done, e.Total}
}

// sum is what to show; total is 0 when there is nothing to show.
func (p *progress) sum() (done, total int64) {
	if s, ok := p.subjects[""]; ok {
		return s[0], s[1]
	}
	for _, s := range p.subjects {
		if s[0] < s[1] {
			done, total = done+s[0], total+s[1]
		}
	}
	return done, total
}

// rate is units per second, 0 until it can be told.
func (p *progress) rate(now time.Time) int64 {
	if d := now.Sub(p.since); d >= time.Second {
		return int64(float64(p.moved) / d.Seconds())
	}
	return 0
}
