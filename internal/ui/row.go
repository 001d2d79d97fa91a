package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// clusterRows are the stages of the cluster as a whole that run or have failed.
func (v view) clusterRows() []string {
	var out []string
	for _, s := range v.cluster.stages {
		// A stage that nodes are at, each in its row, has a row of its own only if there is more to say.
		if len(v.named(s.name)) > 1 && s.subject == "" && s.wait() == "" {
			continue
		}
		if s.running() || s.failed {
			out = append(out, v.line(s, v.pad(s.name, v.nameWidth()+2+v.stageWidth())))
		}
	}
	return out
}

// row is one node: its mark, name, stage, what is in hand, and the time the stage has taken.
func (v view) row(l *lane) string {
	name := v.bold.Render(v.pad(l.node, v.nameWidth()))
	s := l.current()
	if s == nil {
		return " " + v.dim.Render(v.idle) + " " + name
	}
	if v.over {
		return v.spread(" "+v.mark(s)+" "+name+"  "+v.outcome(l, s), v.dim.Render(duration(v.laneTook(l))))
	}
	return v.line(s, name+"  "+v.pad(s.name, v.stageWidth()))
}

// line is a stage under way, led by what it is.
func (v view) line(s *stage, what string) string {
	took := duration(s.took(v.now))
	left := " " + v.mark(s) + " " + what + "  "
	return v.spread(left+v.detail(s, v.width-ansi.StringWidth(left)-8), v.dim.Render(took))
}

func (v view) mark(s *stage) string {
	switch {
	case s.failed:
		return v.bad.Render(v.fail)
	case !s.ended.IsZero():
		return v.good.Render(v.ok)
	case v.over: // it was stopped half way
		return v.warn.Render(v.idle)
	case s.wait() != "":
		return v.warn.Render(v.turn())
	}
	return v.accent.Render(v.turn())
}

// detail says in width columns what a stage has in hand.
func (v view) detail(s *stage, width int) string {
	if s.failed {
		return v.bad.Render(v.trim(s.message, width))
	}
	if !s.ended.IsZero() {
		if s.changed > 0 {
			return v.dim.Render(v.trim(fmt.Sprintf("%d changed", s.changed), width))
		}
		return ""
	}
	if wait := s.wait(); wait != "" {
		return v.warn.Render(v.trim("waiting: "+wait, width))
	}
	if done, total := s.sum(); total > 0 && done < total {
		return v.gauge(s, done, total, width)
	}
	return v.dim.Render(v.trim(s.subject, width))
}

// figures is the width kept for a gauge's numbers, so that the bars of all rows end in one column.
const figures = 30

// gauge is a bar with its numbers, and the subject where there is room.
func (v view) gauge(s *stage, done, total int64, width int) string {
	room, longest := figures, 24
	numbers := fmt.Sprintf("%3d%%  %s", min(done, total)*100/total, amount(done, total))
	if !isBytes(total) { // what is counted says more by its subject than by a bar
		numbers, longest = amount(done, total), 8
		room = 2*len(fmt.Sprint(total)) + 1
	} else if rate := s.rate(v.now); rate > 0 {
		numbers += "  " + size(rate) + "/s"
	}
	bar := min(longest, width-room-1)
	if bar < 6 {
		return v.trim(strings.TrimSpace(numbers), width)
	}
	out := v.bar(done, total, bar) + " " + numbers
	if left := width - bar - 1 - room - 2; left >= 16 && s.subject != "" {
		out += strings.Repeat(" ", max(0, room-len(numbers))+2) + v.dim.Render(v.trim(s.subject, left))
	}
	return out
}

// outcome is what remains to be said of a node when all is over.
func (v view) outcome(l *lane, s *stage) string {
	switch {
	case s.failed:
		return v.bad.Render(joined(s.name, s.message))
	case s.ended.IsZero():
		return v.warn.Render("stopped in " + s.name)
	}
	changed := 0
	for _, s := range l.stages {
		changed += s.changed
	}
	if changed == 0 {
		return v.dim.Render("as it should be")
	}
	return fmt.Sprintf("%d changed", changed)
}

// laneTook is the time from a node's first stage to its last.
func (v view) laneTook(l *lane) time.Duration {
	var end time.Time
	for _, s := range l.stages {
		if e := s.began.Add(s.took(v.now)); e.After(end) {
			end = e
		}
	}
	return end.Sub(l.stages[0].began)
}

func (v view) nameWidth() int {
	w := 4
	for _, l := range v.lanes {
		w = max(w, ansi.StringWidth(l.node))
	}
	return min(w, max(8, v.width/5))
}

func (v view) stageWidth() int {
	w := 8
	for _, l := range v.lanes {
		for _, s := range l.stages {
			w = max(w, ansi.StringWidth(s.name))
		}
	}
	return min(w, max(8, v.width/5))
}

// pick chooses n of the lanes when not all fit, those that say most, and keeps their order.
func pick(lanes []*lane, n int) []*lane {
	if len(lanes) <= n {
		return lanes
	}
	n = max(0, n-1) // one line says how many are left out
	byWeight := slices.Clone(lanes)
	slices.SortStableFunc(byWeight, func(a, b *lane) int { return a.weight() - b.weight() })
	chosen := byWeight[:n]
	var out []*lane
	for _, l := range lanes {
		if slices.Contains(chosen, l) {
			out = append(out, l)
		}
	}
	return out
}

// weight is lowest for what a reader should see first.
func (l *lane) weight() int {
	s := l.current()
	switch {
	case s == nil:
		return 3
	case s.failed:
		return 0
	case s.running():
		return 1
	}
	return 2
}
