package ui

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Failure is one error as shown, and its JSON form.
type Failure struct {
	Error  string `json:"error"`
	Node   string `json:"node,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Errors may tell more of themselves, found with errors.As.
type (
	located  interface{ Node() string }
	remedied interface{ Remedy() string }
	// diagnostics is an error that shows the lines of the user's file that it is about.
	diagnostics interface {
		WriteDiagnostics(w io.Writer, width int, color bool)
	}
)

// Error shows err on stderr: joined errors one by one, sorted by node; as JSON one line each.
func (o *Output) Error(err error) {
	var d diagnostics
	if o.format == Text && errors.As(err, &d) {
		width, _ := o.err.size()
		d.WriteDiagnostics(o.err.w, width, o.err.color)
		return
	}
	failures := Failures(err)
	if o.format == JSON {
		enc := json.NewEncoder(o.err.w)
		enc.SetEscapeHTML(false)
		for _, f := range failures {
			_ = enc.Encode(f) // stderr is gone, and with it the only place to say so
		}
		return
	}
	fmt.Fprint(o.err.w, o.err.failureText(failures))
}

// Failures lists the errors joined in err, without repetitions, sorted by node and text.
func Failures(err error) []Failure {
	var out []Failure
	for _, leaf := range leaves(err, "") {
		if !slices.Contains(out, leaf) {
			out = append(out, leaf)
		}
	}
	slices.SortStableFunc(out, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Error, b.Error))
	})
	return out
}

// leaves takes joined errors apart. What was wrapped around a join is put before each of its parts.
func leaves(err error, prefix string) []Failure {
	for e := err; e != nil; e = errors.Unwrap(e) {
		join, ok := e.(interface{ Unwrap() []error })
		if !ok || e.Error() != errors.Join(join.Unwrap()...).Error() {
			continue
		}
		around, ok := strings.CutSuffix(err.Error(), e.Error())
		if !ok {
			break // the wrapper says it in its own words
		}
		var out []Failure
		for _, part := range join.Unwrap() {
			out = append(out, leaves(part, prefix+around)...)
		}
		return out
	}
	f := Failure{Error: prefix + err.Error()}
	if l := located(nil); errors.As(err, &l) {
		f.Node = l.Node()
	}
	if r := remedied(nil); errors.As(err, &r) {
		f.Remedy = r.Remedy()
	}
	return []Failure{f}
}

func (s stream) failureText(failures []Failure) string {
	if len(failures) == 1 {
		return s.bad.Render("Error: ") + s.failureBody(failures[0], "  ") + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.bad.Render(fmt.Sprintf("Error: %d things failed", len(failures))))
	for _, f := range failures {
		fmt.Fprintf(&b, "\n%s %s\n", s.bad.Render(s.fail), s.failureBody(f, "  "))
	}
	return b.String()
}

// failureBody is the error led by its node, then its remedy, later lines indented.
func (s stream) failureBody(f Failure, margin string) string {
	text := clean(f.Error)
	if f.Node != "" && !strings.HasPrefix(text, f.Node) {
		text = f.Node + ": " + text
	}
	if f.Remedy != "" {
		text += "\n" + s.accent.Render(s.to) + " " + clean(f.Remedy)
	}
	if s.terminal != nil {
		width, _ := s.size()
		text = ansi.Wordwrap(text, max(20, width-9), "")
	}
	return strings.ReplaceAll(text, "\n", "\n"+margin)
}
