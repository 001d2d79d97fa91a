package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// duration is d as people say it: 0.4s, 31.2s, 1m04s, 1h02m.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0.0s"
	case d < 99950*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// size is n bytes in decimal units, three digits at most: 812 B, 4.1 kB, 480 MB.
func size(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 999.5 {
			break
		}
		value, unit = value/1000, next
	}
	if unit == "B" || value >= 9.95 {
		return fmt.Sprintf("%.0f %s", value, unit)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}

// amount is "210/480 MB", or "2/3" for things that are no bytes. Events do not say their unit; no
// cluster has ten thousand nodes or conditions, and nothing that small is worth a bar of bytes.
func amount(done, total int64) string {
	if !isBytes(total) {
		return fmt.Sprintf("%d/%d", done, total)
	}
	d, t := size(done), size(total)
	dn, du, _ := strings.Cut(d, " ")
	if tn, tu, _ := strings.Cut(t, " "); du == tu {
		return dn + "/" + tn + " " + tu
	}
	return d + "/" + t
}

func isBytes(total int64) bool { return total >= 10_000 }

// plural is "1 node", "2 nodes", "3 binaries".
func plural(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// pad fills s with spaces to width columns, or cuts it there.
func (g glyphs) pad(s string, width int) string {
	s = g.trim(s, width)
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// trim cuts s to width columns in its middle, where paths and messages can spare most.
func (g glyphs) trim(s string, width int) string {
	n := ansi.StringWidth(s)
	if n <= width {
		return s
	}
	if width < 8 {
		return ansi.Truncate(s, max(0, width), "")
	}
	tail := (width - 1) * 3 / 5
	return ansi.Truncate(s, width-1-tail, "") + g.cut + ansi.TruncateLeft(s, n-tail, "")
}

// bar is done of total as width columns.
func (l look) bar(done, total int64, width int) string {
	if total <= 0 || width <= 0 {
		return ""
	}
	full := int(min(done, total) * int64(width) / total)
	if full >= width {
		return l.good.Render(strings.Repeat(l.barDone, width))
	}
	return l.accent.Render(strings.Repeat(l.barDone, full)+l.barHead) +
		l.dim.Render(strings.Repeat(l.barRest, width-full-1))
}

// printable makes text from a machine harmless to a terminal: no escape sequences, no control
// characters but line ends.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, ansi.Strip(s))
}

// clean is printable s without blanks around it.
func clean(s string) string { return strings.TrimSpace(printable(s)) }

// oneLine is printable s with its blanks and line ends made single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }
