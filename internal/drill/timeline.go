package drill

import (
	"fmt"
	"math"
	"slices"
)

const (
	pageWidth = 1200.0
	gutter    = 112.0 // for the labels of lanes
	stageBar  = 20.0
	apiHeight = 58.0
	latHeight = 84.0
	cell      = 15.0 // a node's lane of polls
	ribbon    = 18.0 // a lane of what something is
	apart     = 26.0 // between groups of lanes
	binWidth  = 4.0
)

// timeline draws the whole drill on one time axis.
func (r *Report) timeline() *canvas {
	c := &canvas{Width: pageWidth, left: gutter, right: pageWidth - 46, seconds: max(r.Seconds, 1)}
	y := c.stages(r.Stages, 22)
	top := y
	y = c.density(r, y+apart)
	y = c.latencies(r, y+apart)
	y = c.polls(r, y+apart)
	y = c.aspects(r, y+apart)
	y = c.nodes(r, y+apart-8)
	c.axis(y, top)
	for _, o := range r.Outages {
		if o.Kind != Poll {
			c.span(o.Start, o.Start+o.Seconds, 14, y-14, "outage", fmt.Sprintf("%s out for %.2f s at +%.1f s, %d failed: %s", o.Of(), o.Seconds, o.Start, o.Failed, o.Error))
		}
	}
	c.marks(r.Recovery, y)
	c.Height = y + 30
	return c
}

// stages draws them in as few rows as keep those apart that overlap.
func (c *canvas) stages(stages []Stage, y float64) float64 {
	c.label(y+14, "strong", "stage")
	var ends []float64 // of the last one in each row
	for i, s := range stages {
		row := slices.IndexFunc(ends, func(end float64) bool { return end <= s.Start+1e-9 })
		if row < 0 {
			row, ends = len(ends), append(ends, 0)
		}
		ends[row] = s.Start + s.Seconds
		class := fmt.Sprintf("stage tint%d", i%2)
		if s.Failed {
			class = "stage bad"
		}
		at := y + float64(row)*(stageBar+3)
		c.span(s.Start, s.Start+s.Seconds, at, stageBar, class, fmt.Sprintf("%s, +%.1f s to +%.1f s (%.1f s): %d requests, %d failed, %d slow", s.Label(), s.Start, s.Start+s.Seconds, s.Seconds, s.API.Requests, s.API.Failed, s.API.Slow))
		c.within(s.Start, s.Start+s.Seconds, at+14, "on", s.Label())
	}
	return y + float64(len(ends))*(stageBar+3)
}

// density draws how many requests there were, and marks each that failed or was slow.
func (c *canvas) density(r *Report, y float64) float64 {
	c.label(y+12, "strong", "API requests")
	c.label(y+27, "", fmt.Sprintf("%g per second", r.Rate))
	bins := c.bins(only(r.Samples, ofAPI), 1/r.Rate, 2)
	most := 1
	for _, b := range bins {
		most = max(most, b.Requests)
	}
	bottom := y + apiHeight
	for _, b := range bins {
		tell := fmt.Sprintf("+%.1f s: %d requests, %d failed, %d failed twice, %d slow", b.from, b.Requests, b.Failed, b.FailedTwice, b.Slow)
		height := func(n int) float64 { return cut(float64(n) / float64(most) * apiHeight) }
		at := bottom
		for _, part := range []struct {
			n     int
			class string
		}{{b.Requests - b.Failed, "good"}, {b.Failed, "bad"}} {
			if h := height(part.n); h > 0 {
				at -= h
				c.span(b.from, b.to, at, h, part.class, tell)
			}
		}
	}
	c.rule(bottom)
	for _, s := range only(r.Samples, ofAPI) {
		if class := mark(s); class != "" {
			c.Boxes = append(c.Boxes, box{c.x(s.At) - 1, bottom + 3, 2, 8, class, tell(s)})
		}
	}
	return bottom + 11
}

// mark is how a sample stands out; "" where it does not.
func mark(s Sample) string {
	switch {
	case s.failedTwice():
		return "bad"
	case s.failed():
		return "bad soft"
	case s.slow():
		return "slow"
	}
	return ""
}

func tell(s Sample) string {
	what := fmt.Sprintf("%s at +%.2f s", s.Kind, s.At)
	if s.Node != "" {
		what = fmt.Sprintf("%s through %s at +%.2f s", s.Kind, s.Node, s.At)
	}
	switch {
	case s.Error == "":
		return fmt.Sprintf("%s: answered after %.2f s", what, s.Seconds)
	case s.Retry == nil:
		return fmt.Sprintf("%s: failed after %.2f s: %s", what, s.Seconds, s.Error)
	case s.Retry.Error == "":
		return fmt.Sprintf("%s: failed after %.2f s (%s), served by a retry after %.2f s", what, s.Seconds, s.Error, s.Retry.Seconds)
	}
	return fmt.Sprintf("%s: failed after %.2f s: %s; and again after %.2f s: %s", what, s.Seconds, s.Error, s.Retry.Seconds, s.Retry.Error)
}

// latencies draws the median and the slowest on a logarithmic scale from 1 ms to 10 s.
func (c *canvas) latencies(r *Report, y float64) float64 {
	c.label(y+12, "strong", "API latency")
	c.label(y+27, "", "median, slowest")
	bottom := y + latHeight
	height := func(seconds float64) float64 {
		return cut(bottom - min(max(math.Log10(max(seconds, 1e-3)/1e-3)/4, 0), 1)*latHeight)
	}
	for _, g := range []struct {
		at  float64
		say string
	}{{0.01, "10 ms"}, {0.1, "100 ms"}, {1, "1 s"}} {
		c.Lines = append(c.Lines, line{c.left, height(g.at), c.right, height(g.at), "rule faint"})
		c.Texts = append(c.Texts, text{c.right + 6, height(g.at) + 3, "scale", g.say})
	}
	var middle [][2]float64
	bins := c.bins(only(r.Samples, ofAPI), 1/r.Rate, 2)
	for _, b := range bins {
		if b.Max == 0 {
			continue
		}
		class := "range"
		if b.Max > SlowAfter {
			class = "range slow"
		}
		tell := fmt.Sprintf("+%.1f s: median %.1f ms, slowest %.1f ms", b.from, b.P50*1000, b.Max*1000)
		c.span(b.from, b.to, height(b.Max), max(1, height(b.P50)-height(b.Max)), class, tell)
		middle = append(middle, [2]float64{c.x((b.from + b.to) / 2), height(b.P50)})
	}
	c.Paths = append(c.Paths, path{curve(middle, 5*binWidth), "median"})
	c.rule(bottom)
	return bottom
}

// polls draws a lane for each node that the Service was polled through.
func (c *canvas) polls(r *Report, y float64) float64 {
	c.Texts = append(c.Texts, text{c.left, y - 6, "caption", fmt.Sprintf("Service through kube-proxy of each node, %g polls per second each", r.PollRate)})
	for _, n := range r.Nodes {
		samples := only(r.Samples, func(s Sample) bool { return s.Node == n.Name })
		if len(samples) == 0 {
			continue
		}
		c.label(y+11, "", n.Name)
		for _, b := range c.bins(samples, 1/r.PollRate, 1) {
			class := "good"
			switch {
			case b.Failed > 0:
				class = "bad"
			case b.Slow > 0:
				class = "slow"
			case b.Requests == 0:
				class = "unknown"
			}
			c.span(b.from, b.to, y, cell-3, class, fmt.Sprintf("%s, +%.1f s: %d polls, %d failed, %d slow, %d not measured", n.Name, b.from, b.Requests, b.Failed, b.Slow, b.Unmeasured))
		}
		y += cell
	}
	return y
}

// axis writes the time under everything, and draws it through.
func (c *canvas) axis(y, top float64) {
	step := 1.0
	for _, s := range []float64{2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600} {
		if c.seconds/step > 14 {
			step = s
		}
	}
	for at := 0.0; at <= c.seconds; at += step {
		c.Lines = append(c.Lines, line{c.x(at), top + 6, c.x(at), y + 6, "rule faint"})
		say := fmt.Sprintf("%gs", at)
		if c.seconds >= 120 {
			say = fmt.Sprintf("%d:%02d", int(at)/60, int(at)%60)
		}
		c.Texts = append(c.Texts, text{c.x(at), y + 20, "tick", say})
	}
}
