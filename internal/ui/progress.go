package ui

import (
	"time"

	"github.com/slipway/slipway/internal/event"
)

// progress adds up the progress of a stage from that of its subjects, of which several may be under way.
type progress struct {
	subjects map[string]extent // "" is the stage itself
	since    time.Time         // when bytes were first told of
	moved    int64             // bytes since then
}

type extent struct{ done, total int64 }

func (p *progress) take(e event.Event, now time.Time) {
	if p.subjects == nil {
		p.subjects = map[string]extent{}
	}
	if isBytes(e.Total) {
		if p.since.IsZero() {
			p.since, p.moved = now, -e.Done // what was there before counts for nothing
		}
		p.moved += max(0, e.Done-p.subjects[e.Subject].done)
	}
	p.subjects[e.Subject] = extent{e.Done, e.Total}
}

func (p *progress) finish(subject string) { delete(p.subjects, subject) }

// sum is what to show; total is 0 when there is nothing to show. Bytes of the stage as a whole come
// first, then its subjects under way, then a count of the whole.
func (p *progress) sum() (done, total int64) {
	whole := p.subjects[""]
	if isBytes(whole.total) {
		return whole.done, whole.total
	}
	for name, s := range p.subjects {
		if name != "" && s.done < s.total {
			done, total = done+s.done, total+s.total
		}
	}
	if total > 0 {
		return done, total
	}
	return whole.done, whole.total
}

// rate is bytes per second, 0 until it can be told.
func (p *progress) rate(now time.Time) int64 {
	if d := now.Sub(p.since); !p.since.IsZero() && d >= time.Second {
		return int64(float64(max(0, p.moved)) / d.Seconds())
	}
	return 0
}
