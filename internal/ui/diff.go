package ui

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// longDiff is how many lines of one diff are shown unless all are asked for.
const longDiff = 40

// diff writes the unified diff of two texts, or where it was shown already.
func (w *planWriter) diff(of, before, after string) {
	const margin = "      "
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: lines(before), B: lines(after), Context: 3})
	if err != nil { // only a failing writer makes one, and a string builder does not fail
		text = err.Error()
	}
	if first, ok := w.seen[text]; ok && first != of {
		w.printf("%s%s\n", margin, w.dim.Render("the same as on "+first))
		return
	}
	w.seen[text] = of
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	shown := all
	if !w.full && len(all) > longDiff {
		shown, w.hidden = all[:longDiff-1], true
	}
	for _, line := range shown {
		w.printf("%s%s\n", margin, w.diffLine(line))
	}
	if rest := len(all) - len(shown); rest > 0 {
		w.printf("%s%s\n", margin, w.dim.Render(fmt.Sprintf("%s %s more", w.cut, plural(rest, "line"))))
	}
}

func (w *planWriter) diffLine(line string) string {
	line = strings.TrimRight(printable(strings.ReplaceAll(line, "\t", "    ")), " ")
	switch {
	case strings.HasPrefix(line, "+"):
		return w.good.Render(line)
	case strings.HasPrefix(line, "-"):
		return w.bad.Bold(false).Render(line)
	case strings.HasPrefix(line, "@"):
		return w.accent.Render(line)
	}
	return line
}

// lines splits a text for difflib, each line with its end, and tells of a last line without one.
func lines(s string) []string {
	out := strings.SplitAfter(s, "\n")
	last := len(out) - 1
	if out[last] == "" {
		return out[:last]
	}
	out[last] += "\n\\ No newline at end of file\n"
	return out
}

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}\b`)

// shorten cuts digests to what a reader compares by eye. JSON has them whole.
func shorten(s string) string {
	return digest.ReplaceAllStringFunc(s, func(d string) string { return d[:len("sha256:")+12] })
}

// end cuts s at its end to width columns.
func (g glyphs) end(s string, width int) string {
	if len([]rune(s)) <= width {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:max(0, width-1)]), ", ") + g.cut
}
