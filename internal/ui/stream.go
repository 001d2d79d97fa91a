package ui

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
	"golang.org/x/term"
)

// plainWidth is the line length of streams that are no terminals.
const plainWidth = 100

// stream is one of stdout and stderr, with how it can be written to.
type stream struct {
	w        io.Writer
	terminal *os.File // nil when it is none, or a dumb one
	look
}

// look is colours and glyphs. Only the sixteen colours of the reader's own theme are used.
type look struct {
	good, bad, warn, accent, dim, bold lipgloss.Style
	color                              bool
	glyphs
}

// glyphs are all one column wide.
type glyphs struct {
	ok, fail, alert, idle, cut, to string
	dot, rule, restart             string
	barDone, barHead, barRest      string
	spinner                        []string
}

func newStream(w io.Writer, env func(string) string) stream {
	s := stream{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && env("TERM") != "dumb" {
		s.terminal = f
	}
	// https://no-color.org and https://bixense.com/clicolors
	color := s.terminal != nil && env("NO_COLOR") == ""
	if force := env("CLICOLOR_FORCE"); force != "" && force != "0" {
		color = true
	}
	s.look = newLook(color, s.terminal == nil || drawsUnicode(env))
	return s
}

// size is the terminal's columns and rows now, or a fixed width and no rows without one.
func (s stream) size() (width, height int) {
	if s.terminal != nil {
		if w, h, err := term.GetSize(int(s.terminal.Fd())); err == nil && w > 0 && h > 0 {
			return w, h
		}
		return 80, 24
	}
	return plainWidth, 0
}

// drawsUnicode reports whether the terminal has the glyphs. A locale that says nothing of its
// character set, as on most bare machines, is taken to be the operator's UTF-8 terminal.
func drawsUnicode(env func(string) string) bool {
	if env("TERM") == "linux" { // the console's font has no braille and no check marks
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(env(name)); locale != "" {
			_, charset, found := strings.Cut(locale, ".")
			return !found || strings.HasPrefix(charset, "utf")
		}
	}
	return true
}

func newLook(color, unicode bool) look {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetHasDarkBackground(true) // set, or lipgloss would ask the terminal
	r.SetColorProfile(termenv.Ascii)
	if color {
		r.SetColorProfile(termenv.ANSI)
	}
	fg := func(n int) lipgloss.Style { return r.NewStyle().Foreground(lipgloss.ANSIColor(n)) }
	l := look{
		good: fg(2), bad: fg(1).Bold(true), warn: fg(3), accent: fg(6),
		dim: r.NewStyle().Faint(true), bold: r.NewStyle().Bold(true),
		color: color,
		glyphs: glyphs{
			ok: "✓", fail: "✗", alert: "!", idle: "·", cut: "…", to: "→", dot: "·", rule: "─", restart: "↻",
			barDone: "━", barHead: "╸", barRest: "─",
			spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
		},
	}
	if !unicode {
		l.glyphs = glyphs{
			ok: "*", fail: "x", alert: "!", idle: ".", cut: "~", to: ">", dot: "-", rule: "-", restart: "^",
			barDone: "=", barHead: ">", barRest: "-",
			spinner: []string{"|", "/", "-", `\`},
		}
	}
	return l
}
