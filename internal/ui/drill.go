package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/drill"
)

// Drill answers with a drill's report as tables, or as JSON.
func (o *Output) Drill(r *drill.Report) error {
	if o.format == JSON {
		return o.document(r)
	}
	_, err := io.WriteString(o.out.w, o.out.drillText(r))
	return err
}

func (s stream) drillText(r *drill.Report) string {
	api := func(st drill.Stage) drill.Figures { return st.API }
	service := func(st drill.Stage) drill.Figures { return st.Service }
	parts := []string{
		s.drillHead(r),
		s.bold.Render("API") + s.dim.Render(fmt.Sprintf("  %s from %s, %g requests per second, a new connection each", r.Endpoint, r.Via, r.Rate)) + "\n" +
			s.drillTable(r, r.API, api),
		s.bold.Render("Service") + s.dim.Render(fmt.Sprintf("  through kube-proxy of every node, %g polls per second each", r.PollRate)) + "\n" +
			s.drillTable(r, r.Service, service),
	}
	if r.Recovery != nil {
		parts = append(parts, s.recovery(r))
	}
	if len(r.Outages) > 0 {
		parts = append(parts, s.outageTable(r))
	}
	return strings.Join(append(parts, s.goals(r)), "\n")
}

// drillHead is the drill in one line.
func (s stream) drillHead(r *drill.Report) string {
	verdict := s.good.Render(s.ok + " every goal met")
	if n := len(r.Missed()); n > 0 {
		verdict = s.bad.Render(s.fail + " " + plural(n, "goal") + " missed")
	}
	about := []string{duration(time.Duration(r.Seconds * float64(time.Second)))}
	if r.To != "" {
		about = append([]string{r.From + " " + s.to + " " + r.To}, about...)
	}
	if r.Interrupted {
		about = append(about, "interrupted")
	}
	return fmt.Sprintf("%s  %s  %s\n", s.bold.Render("drill "+r.Drill+" "+clean(r.Cluster)), verdict, s.dim.Render(strings.Join(about, " "+s.dot+" ")))
}

// drillTable is what was seen during each stage, and over all.
func (s stream) drillTable(r *drill.Report, total drill.Figures, of func(drill.Stage) drill.Figures) string {
	var rows [][]string
	for _, st := range r.Stages {
		if of(st).Requests == 0 {
			continue
		}
		nodes := strings.Join(st.Names(), ", ")
		if len(st.Names()) > 2 {
			nodes = plural(len(st.Names()), "node")
		}
		rows = append(rows, s.figures([]string{st.Name, nodes, seconds(st.Seconds)}, of(st)))
	}
	rows = append(rows, s.figures([]string{s.bold.Render("all"), "", seconds(r.Seconds)}, total))
	return s.table([]string{"stage", "node", "time", "requests", "failed", "twice", "slow", "outage", "p50", "p99", "max"}, rows)
}

func (s stream) figures(row []string, f drill.Figures) []string {
	bad := func(n int, style interface{ Render(...string) string }) string {
		if n == 0 {
			return s.dim.Render(s.rule)
		}
		return style.Render(fmt.Sprint(n))
	}
	outage := s.dim.Render(s.rule)
	if f.Outage > 0 {
		style := s.warn
		if f.Outage > 1 {
			style = s.bad
		}
		outage = style.Render(latency(f.Outage))
	}
	return append(row, fmt.Sprint(f.Requests), bad(f.Failed, s.warn), bad(f.FailedTwice, s.bad), bad(f.Slow, s.warn), outage, latency(f.P50), latency(f.P99), latency(f.Max))
}

// latency is seconds as people read latencies: 4.2ms, 180ms, 1.24s.
func latency(seconds float64) string {
	switch ms := seconds * 1000; {
	case ms < 9.95:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0fms", ms)
	}
	return fmt.Sprintf("%.2fs", seconds)
}

// recovery is how the cluster was broken and came back, most important last.
func (s stream) recovery(r *drill.Report) string {
	broken := r.Recovery
	rows := [][]string{{"broken", "+" + seconds(broken.Broke), broken.What + " on " + strings.Join(broken.Nodes, ", ")}}
	if broken.Mended > 0 {
		rows = append(rows, []string{"taken back", "+" + seconds(broken.Mended), ""})
	}
	again := func(name string, when float64, bad bool, say string) []string {
		style := s.good
		if bad {
			style = s.bad
		}
		at := ""
		if when > 0 {
			at = "+" + seconds(when)
		}
		return []string{name, at, style.Render(say)}
	}
	writes := again("writes again", broken.Resumed, broken.Unending, broken.WritesAgain())
	end := 0.0
	if broken.Whole > 0 {
		end = broken.Broke + broken.Whole
	}
	whole := again("whole again", end, broken.Whole == 0, broken.WholeAgain())
	window := s.good.Render(r.Window())
	switch {
	case len(r.Writes.Lost) > 0 || r.Writes.Unchecked != "":
		window = s.bad.Render(r.Window())
	case r.Loss != nil && r.Loss.Writes > 0:
		window = s.warn.Render(r.Window())
	}
	return s.table([]string{"recovery", "at", ""}, append(rows, writes, whole, []string{"data-loss window", "", window}))
}

// mostOutages is how many are told of on a terminal; the report has all.
const mostOutages = 8

func (s stream) outageTable(r *drill.Report) string {
	var rows [][]string
	for _, o := range r.Outages[:min(mostOutages, len(r.Outages))] {
		text := latency(o.Seconds)
		if o.Unending {
			text += ", to the end"
		}
		rows = append(rows, []string{
			s.bold.Render(o.Of()), "+" + seconds(o.Start), text, fmt.Sprint(o.Failed), strings.Join(o.Stages, ", "), s.trim(oneLine(o.Error), 70),
		})
	}
	out := s.table([]string{"outage", "at", "for", "failed", "during", "first error"}, rows)
	if more := len(r.Outages) - mostOutages; more > 0 {
		out += s.dim.Render(fmt.Sprintf("and %d shorter", more)) + "\n"
	}
	return out
}

func (s stream) goals(r *drill.Report) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.bold.Render("Goals"))
	for _, g := range r.Goals {
		mark, got := s.good.Render(s.ok), g.Got
		if !g.Met {
			mark, got = s.bad.Render(s.fail), s.bad.Render(clean(g.Got))
		}
		fmt.Fprintf(&b, "  %s %-32s %s  %s\n", mark, g.Name, got, s.dim.Render("("+g.Want+")"))
	}
	for _, list := range [][]string{r.Writes.Lost, r.Writes.Stale, r.Writes.Backwards, r.Watch.Missed, r.Objects.Lost, r.Objects.Changed} {
		for _, what := range list[:min(5, len(list))] {
			fmt.Fprintf(&b, "    %s %s\n", s.bad.Render(s.fail), clean(what))
		}
	}
	if r.Late > 0.5 {
		fmt.Fprintf(&b, "  %s %s\n", s.warn.Render(s.alert), fmt.Sprintf("this machine was busy: a request went out %s after it was due, which counts as the cluster's time", latency(r.Late)))
	}
	return b.String()
}
