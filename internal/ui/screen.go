package ui

import (
	"io"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// screen redraws a block of lines at the end of a terminal's output.
//
// It is less than a terminal library on purpose. Those put the terminal into raw mode, hide the
// cursor, or ask the terminal questions (bubbletea does so before main, and waits five seconds on
// terminals that do not answer), all of which must be undone, and is not after a SIGKILL. Lines that are
// only written need no undoing.
type screen struct {
	w    io.Writer
	last []string
}

// Synchronized output: the terminal shows the frame at once or, not knowing the mode, ignores it.
const (
	beginFrame = "\x1b[?2026h"
	endFrame   = "\x1b[?2026l"
	eraseRight = "\x1b[K"
	eraseBelow = "\x1b[J"
)

// show draws lines, each narrower than width, in place of those shown before; the cursor ends below them.
// Write errors are dropped: a terminal that has gone away is no reason to stop the work.
func (s *screen) show(lines []string, width int) {
	var b strings.Builder
	b.WriteString(beginFrame + "\r")
	if up := s.rows(width); up > 0 {
		b.WriteString("\x1b[" + strconv.Itoa(up) + "A")
	}
	reflowed := s.rows(width) != len(s.last)
	for i, line := range lines {
		// Lines that stay are stepped over: it spares slow connections.
		if reflowed || i >= len(s.last) || s.last[i] != line {
			b.WriteString(line + eraseRight)
		}
		b.WriteString("\r\n")
	}
	b.WriteString(eraseBelow + endFrame)
	s.last = lines
	_, _ = io.WriteString(s.w, b.String())
}

// rows is how many rows the last lines take, which is more than one each where the terminal
// has been made narrower since.
func (s *screen) rows(width int) int {
	n := 0
	for _, line := range s.last {
		n += 1 + max(0, ansi.StringWidth(line)-1)/max(1, width)
	}
	return n
}
