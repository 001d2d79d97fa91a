package ui

import (
	"sync"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// frameEvery is how often the live display moves: often enough for a spinner to turn smoothly.
const frameEvery = 100 * time.Millisecond

// liveFeed draws a picture of the course on a terminal, over and over in the same place. Events
// only change the picture; drawing has its own goroutine, so a slow terminal slows no one.
type liveFeed struct {
	*record
	stream
	course Course
	screen screen
	stop   chan struct{}
	done   chan struct{}
	once   sync.Once
}

func newLiveFeed(s stream, c Course) *liveFeed {
	f := &liveFeed{
		record: newRecord(c), stream: s, course: c, screen: screen{w: s.w},
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	go f.draw()
	return f
}

func (f *liveFeed) Emit(e event.Event) { f.record.Emit(e) }

func (f *liveFeed) draw() {
	defer close(f.done)
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	for step := 0; ; step++ {
		width, height := f.size()
		f.mu.Lock()
		v := view{look: f.look, tracker: f.track, title: f.course.Title, now: time.Now(),
			width: width - 1, height: height - 1, step: step}
		lines := v.frame()
		f.mu.Unlock()
		f.screen.show(lines, width)
		select {
		case <-tick.C:
		case <-f.stop:
			f.settle(width)
			return
		}
	}
}

// settle replaces the moving picture by what is worth keeping.
func (f *liveFeed) settle(width int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := view{look: f.look, tracker: f.track, title: f.course.Title, now: time.Now(), width: width - 1, over: true}
	if f.course.Query {
		f.screen.show(v.warnings(len(f.track.warnings)), width)
		return
	}
	f.screen.show(v.frame(), width)
}

func (f *liveFeed) Close() {
	f.once.Do(func() { close(f.stop) })
	<-f.done
}
