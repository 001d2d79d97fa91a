package ui

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/event"
)

const (
	progressEvery = 5 * time.Second  // a line of progress of one stage on one node, at most
	signEvery     = 30 * time.Second // a sign of life, from work of which nobody knows how much is left
	waitingEvery  = 15 * time.Second // the same condition told again
	subjectWorth  = 2 * time.Second  // how long a subject must take for its end to be told
)

// lineFeed writes events as aligned lines, for logs and dumb terminals.
type lineFeed struct {
	*record
	stream
	now     func() time.Time
	nodes   int // width of the column
	told    map[string]time.Time
	subject map[string]time.Time // begun subjects
	failed  map[string]bool      // stages that were said to have failed, by node
}

func newLineFeed(s stream, c Course, now func() time.Time) *lineFeed {
	f := &lineFeed{
		record: &record{track: newTracker(c.Nodes, now())}, stream: s, now: now, nodes: len("cluster"),
		told: map[string]time.Time{}, subject: map[string]time.Time{}, failed: map[string]bool{},
	}
	for _, n := range c.Nodes {
		f.nodes = min(24, max(f.nodes, len(n)))
	}
	return f
}

func (f *lineFeed) Emit(e event.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	stage := f.track.take(e, now)
	if e.Stage == "" && stage.name != "" {
		e.Subject = "" // it serves as the stage
	}
	text := f.text(e, stage, now)
	if text == "" {
		return
	}
	who := e.Node
	if who == "" {
		who = "cluster"
	}
	head := fmt.Sprintf("%s  %s  %-14s  ", now.Format(time.TimeOnly), f.pad(who, f.nodes), stage.name)
	// The lines of a long message stand under its first.
	text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", len(head)))
	_, _ = io.WriteString(f.w, f.dim.Render(head[:10])+head[10:]+text+"\n")
}

func (f *lineFeed) Close() {}

// text is the end of the line for e, "" when it is not worth one.
func (f *lineFeed) text(e event.Event, s *stage, now time.Time) string {
	subject, message := oneLine(e.Subject), clean(e.Message)
	key := e.Node + "\x00" + s.name + "\x00"
	again := f.failed[key]
	f.failed[key] = e.Kind == event.Failed
	switch e.Kind {
	case event.Started:
		if subject != "" {
			f.subject[key+subject] = now
			return ""
		}
		return f.dim.Render(strings.TrimSpace("started " + message))
	case event.Changed:
		if message == "" {
			message = "changed"
		}
		return subject + "  " + f.good.Render(message)
	case event.Progress:
		every := progressEvery
		if e.Total == 0 {
			every = signEvery
			if _, ok := f.told[key]; !ok {
				f.told[key] = s.began
			}
		}
		if !f.due(key, every, now) {
			return ""
		}
		return strings.TrimSpace(cmp.Or(subject, message) + "  " + told(&s.progress, now))
	case event.Waiting:
		if !f.due(key+subject+message, waitingEvery, now) {
			return ""
		}
		return f.warn.Render("waiting: ") + joined(subject, message)
	case event.Warning:
		return f.warn.Bold(true).Render("WARNING: ") + joined(subject, message)
	case event.Failed:
		if again { // first the machine says so, then whoever asked it
			return ""
		}
		// Why is told once, in the error at the end, with what to do about it.
		return f.bad.Render("FAILED") + strings.TrimRight(" "+subject, " ") + " after " + duration(s.took(now))
	case event.Done:
		return strings.TrimSpace(f.done(subject, f.subject[key+subject], s, now) + "  " + f.dim.Render(message))
	}
	return joined(subject, message)
}

func (f *lineFeed) done(subject string, began time.Time, s *stage, now time.Time) string {
	if subject == "" {
		text := f.good.Render("done") + " in " + duration(s.took(now))
		if s.changed > 0 {
			text += fmt.Sprintf(", %d changed", s.changed)
		}
		return text
	}
	if began.IsZero() || now.Sub(began) < subjectWorth {
		return ""
	}
	return subject + "  done in " + duration(now.Sub(began))
}

// due reports whether key was last told at least every ago, and notes that it is told now.
func (f *lineFeed) due(key string, every time.Duration, now time.Time) bool {
	if last, ok := f.told[key]; ok && now.Sub(last) < every {
		return false
	}
	f.told[key] = now
	return true
}

// told is progress in words: "43%  210/480 MB  38 MB/s".
func told(p *progress, now time.Time) string {
	done, total := p.sum()
	if total <= 0 {
		return ""
	}
	text := fmt.Sprintf("%d%%  %s", min(done, total)*100/total, amount(done, total))
	if rate := p.rate(now); isBytes(total) && rate > 0 {
		text += "  " + size(rate) + "/s"
	}
	return text
}
