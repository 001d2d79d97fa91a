package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// The smallest terminal that gets a live display.
const (
	minWidth  = 50
	minHeight = 10
)

// view is a tracker's picture at one moment: a pure function of its fields.
type view struct {
	look
	*tracker
	title         string
	now           time.Time
	width, height int // of the frame; height 0 is as high as it takes
	step          int // of the spinner
	over          bool
}

// frame is the whole picture: title, finished stages, rows, warnings.
func (v view) frame() []string {
	head := v.heading()
	strip := v.strip()
	cluster := v.clusterRows()
	warnings := v.warnings(3)
	rows := v.lanes
	if v.over {
		warnings = v.warnings(len(v.tracker.warnings))
	}
	if v.height > 0 {
		// What must give when the terminal is low: finished stages, then warnings, then idle nodes.
		fixed := len(head) + len(cluster) + 2
		if over := fixed + len(strip) + len(warnings) + len(rows) - v.height; over > 0 {
			strip = strip[min(len(strip), over):]
		}
		if over := fixed + len(strip) + len(warnings) + len(rows) - v.height; over > 0 && len(warnings) > 1 {
			warnings = warnings[len(warnings)-1:]
		}
		rows = pick(rows, v.height-fixed-len(strip)-len(warnings))
	}
	out := append(head, strip...)
	if len(cluster) > 0 {
		out = append(append(out, ""), cluster...)
	}
	if len(rows) > 0 {
		out = append(out, "")
	}
	for _, l := range rows {
		out = append(out, v.row(l))
	}
	if hidden := len(v.lanes) - len(rows); hidden > 0 {
		out = append(out, v.dim.Render(fmt.Sprintf("   %s and %s more", v.cut, plural(hidden, "node"))))
	}
	out = append(out, warnings...)
	if v.height > 0 && len(out) > v.height {
		out = out[:v.height]
	}
	for i := range out {
		out[i] = strings.TrimRight(ansi.Truncate(out[i], v.width, ""), " ")
	}
	return out
}

// heading is the title with what is going on and the time since the beginning.
func (v view) heading() []string {
	running, failed := 0, 0
	for _, l := range append([]*lane{v.cluster}, v.lanes...) {
		switch s := l.current(); {
		case s == nil:
		case s.failed:
			failed++
		case s.running():
			running++
		}
	}
	mark, text := v.accent.Render(v.turn()), v.bold.Render(v.title)
	switch {
	case failed > 0:
		mark = v.bad.Render(v.fail)
	case v.over && running > 0:
		mark = v.warn.Render(v.idle)
		text += v.warn.Render("  stopped")
	case v.over:
		mark = v.good.Render(v.ok)
	}
	return []string{v.spread(" "+mark+" "+text, v.dim.Render(duration(v.now.Sub(v.began))))}
}

// strip is the finished stages with their durations, as few lines as they fit on.
func (v view) strip() []string {
	var lines []string
	line := "  "
	for _, st := range v.times(v.now) {
		if !v.finished(st.Stage) {
			continue
		}
		item := " " + v.good.Render(v.ok) + " " + st.Stage + " " + v.dim.Render(duration(time.Duration(st.Seconds*float64(time.Second)))) + " "
		if ansi.StringWidth(line)+ansi.StringWidth(item) > v.width && line != "  " {
			lines, line = append(lines, strings.TrimRight(line, " ")), "  "
		}
		line += item
	}
	if line != "  " {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// finished reports whether a stage has ended well. While nodes are still at an earlier one, more of them
// are to come to it, so it has not.
func (v view) finished(name string) bool {
	onNodes := false
	for _, s := range v.named(name) {
		if s.ended.IsZero() || s.failed {
			return false
		}
		onNodes = onNodes || s.node != ""
	}
	for _, earlier := range v.stages[:slices.Index(v.stages, name)] {
		for _, s := range v.named(earlier) {
			if onNodes && s.node != "" && (s.ended.IsZero() || s.failed) {
				return false
			}
		}
	}
	return true
}

// warnings is the last n of them.
func (v view) warnings(n int) []string {
	var out []string
	all := v.tracker.warnings
	if hidden := len(all) - n; hidden > 0 {
		out = append(out, "", v.dim.Render(fmt.Sprintf("   %s earlier", plural(hidden, "warning"))))
		all = all[hidden:]
	} else if len(all) > 0 {
		out = append(out, "")
	}
	for _, w := range all {
		text := w.text
		if w.about != "" {
			text = w.about + ": " + text
		}
		prefix := " " + v.warn.Bold(true).Render(v.alert) + " "
		for i, line := range strings.Split(ansi.Wordwrap(text, max(20, v.width-3), ""), "\n") {
			if i > 0 {
				prefix = "   "
			}
			out = append(out, prefix+v.warn.Render(line))
		}
	}
	return out
}

func (v view) turn() string { return v.spinner[v.step%len(v.spinner)] }

// spread puts right at the end of the line that left begins.
func (v view) spread(left, right string) string {
	room := v.width - ansi.StringWidth(right) - 1
	if ansi.StringWidth(left) > room {
		left = ansi.Truncate(left, room, v.cut)
	}
	return left + strings.Repeat(" ", max(0, room-ansi.StringWidth(left))) + " " + right
}
