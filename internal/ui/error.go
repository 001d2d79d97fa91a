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
	// diagnosed is an error that shows the lines of the user's file that it is about.
	diagnosed interface {
		error
		Format(w io.Writer, width int, color bool) error
	}
)

// Error shows err on stderr: joined errors one by one, sorted by node; as JSON one line each.
// An error that formats itself, as those about the user's file do, is left to it, and so is one
// with a JSON form of its own.
func (o *Output) Error(err error) {
	// Failing to write is ignored: stderr is gone, and with it the only place to say so.
	if o.format == JSON {
		enc := json.NewEncoder(o.err.w)
		enc.SetEscapeHTML(false)
		var own json.Marshaler
		if errors.As(err, &own) && len(Failures(err)) == 1 {
			_ = enc.Encode(own)
			return
		}
		for _, f := range Failures(err) {
			_ = enc.Encode(f)
		}
		return
	}
	var d diagnosed
	if errors.As(err, &d) && len(Failures(err)) == 1 {
		width, _ := o.err.size()
		_ = d.Format(o.err.w, width, o.err.color)
		return
	}
	_, _ = io.WriteString(o.err.w, o.err.failureText(Failures(err)))
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
		return cmp.Or(cmp.Compare(a.subject(), b.subject()), cmp.Compare(a.Error, b.Error))
	})
	return out
}

// subject is the node, or what the text begins with: by the house's rule, what it is about.
func (f Failure) subject() string {
	first, _, _ := strings.Cut(f.Error, " ")
	return cmp.Or(f.Node, strings.TrimSuffix(first, ":"))
}

// leaves takes joined errors apart. What was wrapped around a join is put before each of its parts.
func leaves(err error, prefix string) []Failure {
	remedy := ""
	for e := err; e != nil; e = errors.Unwrap(e) {
		if r, ok := e.(remedied); ok { // of the whole, where a part has none of its own
			remedy = cmp.Or(remedy, r.Remedy())
		}
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
		for i := range out {
			out[i].Remedy = cmp.Or(out[i].Remedy, remedy)
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
		text += "\n" + s.accent.Render(s.to) + " " + strings.ReplaceAll(clean(f.Remedy), "\n", "\n  ")
	}
	if s.terminal != nil {
		width, _ := s.size()
		text = ansi.Wordwrap(text, max(20, width-9), "")
	}
	return strings.ReplaceAll(text, "\n", "\n"+margin)
}
