package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Times shows where the time of a course went, as bars on one time axis, so that what ran side by
// side is seen to. It writes to stderr, and nothing in JSON, where events carry their times.
func (o *Output) Times(times []StageTime) {
	if o.format == JSON || len(times) == 0 {
		return
	}
	fmt.Fprint(o.err.w, "\n"+o.err.timeTable(times))
}

// axis is the width of the time axis in columns.
const axis = 28

func (s stream) timeTable(times []StageTime) string {
	total, name := 0.0, len("total")
	for _, t := range times {
		total = max(total, t.Start+t.Seconds)
		name = max(name, len(t.Stage))
	}
	var b strings.Builder
	b.WriteString(s.bold.Render("Where the time went") + "\n")
	width, _ := s.size()
	for _, t := range times {
		line := fmt.Sprintf("  %-*s  %7s  %s", name, t.Stage, seconds(t.Seconds), s.span(t, total))
		note := fmt.Sprintf("  %s, longest %s %s", plural(t.Nodes, "node"), t.Slowest, seconds(t.Longest))
		if t.Nodes > 1 && t.Longest >= 1 && ansi.StringWidth(line+note) < width {
			line += s.dim.Render(note)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	fmt.Fprintf(&b, "  %s  %7s\n", s.bold.Render(fmt.Sprintf("%-*s", name, "total")), seconds(total))
	return b.String()
}

// span is the stage's bar at its place on the axis.
func (s stream) span(t StageTime, total float64) string {
	if total <= 0 {
		total = 1
	}
	from := min(axis-1, int(t.Start/total*axis))
	width := min(axis-from, max(1, int(t.Seconds/total*axis+0.5)))
	style := s.accent
	if t.Failed {
		style = s.bad
	}
	return strings.Repeat(" ", from) + style.Render(strings.Repeat(s.barDone, width)) + strings.Repeat(" ", axis-from-width)
}

func seconds(s float64) string { return duration(time.Duration(s * float64(time.Second))) }
