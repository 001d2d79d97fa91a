package drill

import (
	"fmt"
	"strings"
)

// canvas is a drawing in the units of its own coordinates, which the page's template writes out as SVG.
type canvas struct {
	Width, Height float64
	Boxes         []box
	Lines         []line
	Texts         []text
	Paths         []path

	left, right float64 // where the time axis begins and ends
	seconds     float64 // that it stands for
}

type box struct {
	X, Y, W, H  float64
	Class, Tell string // Tell is shown when the pointer rests on it
}

type line struct {
	X1, Y1, X2, Y2 float64
	Class          string
}

type text struct {
	X, Y       float64
	Class, Say string
}

type path struct{ D, Class string }

// x is where a moment stands.
func (c *canvas) x(at float64) float64 {
	return cut(c.left + min(max(at, 0), c.seconds)/c.seconds*(c.right-c.left))
}

// span draws from one moment to another, wide enough to be seen.
func (c *canvas) span(from, to, y, h float64, class, tell string) {
	x := c.x(from)
	c.Boxes = append(c.Boxes, box{x, y, max(1.5, cut(c.x(to)-x)), h, class, tell})
}

// label says what a lane is, left of it.
func (c *canvas) label(y float64, class, say string) {
	c.Texts = append(c.Texts, text{c.left - 10, y, "label " + class, say})
}

// within says something inside a span, where there is room.
func (c *canvas) within(from, to, y float64, class, say string) {
	const letter = 6.1
	if c.x(to)-c.x(from) > float64(len([]rune(say)))*letter+8 {
		c.Texts = append(c.Texts, text{c.x(from) + 5, y, class, say})
	}
}

func (c *canvas) rule(y float64) {
	c.Lines = append(c.Lines, line{c.left, y, c.right, y, "rule"})
}

// curve joins points; a gap in time is a gap in the line.
func curve(points [][2]float64, gap float64) string {
	var b strings.Builder
	for i, p := range points {
		command := "L"
		if i == 0 || p[0]-points[i-1][0] > gap {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1f", command, p[0], p[1])
	}
	return b.String()
}

// cut leaves one place behind the point: no screen shows more, and a page has thousands of numbers.
func cut(v float64) float64 { return float64(int(v*10+0.5)) / 10 }
