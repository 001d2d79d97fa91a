// Package ui shows plans, events, statuses and errors to people, and to programs as JSON.
//
// Answers go to stdout: the plan, the status, tables. The course of things goes to stderr: events,
// stage times, errors. So "slipway status >file" keeps the answer alone, and shows progress still.
// With -o json there is one document on stdout, or one event a line where the verb acts rather than
// answers (see Course).
package ui

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Format is what the -o flag chooses.
type Format string

const (
	Text Format = "text"
	JSON Format = "json"
)

// ParseFormat reads the value of the -o flag.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Text, JSON:
		return f, nil
	}
	return "", fmt.Errorf("unknown output format %q: use text or json", s)
}

// Output writes everything that one run of a verb shows.
// Its methods may not be called while a Feed it gave is open, except on that Feed.
type Output struct {
	format   Format
	out, err stream
}

// New returns an Output over stdout and stderr. A stream that is a terminal is written in colour,
// and stderr as a live display; NO_COLOR, TERM and CLICOLOR_FORCE are heeded.
func New(stdout, stderr io.Writer, format Format) *Output {
	return &Output{format, newStream(stdout, os.Getenv), newStream(stderr, os.Getenv)}
}

// Value answers with v: as one JSON document, or as what text writes.
func (o *Output) Value(v any, text func(io.Writer) error) error {
	if o.format == JSON {
		return o.document(v)
	}
	return text(o.out.w)
}

// Text answers with what text writes, and with nothing in JSON.
func (o *Output) Text(text func(io.Writer) error) error {
	if o.format == JSON {
		return nil
	}
	return text(o.out.w)
}

// Note writes one line for a reader on stderr, and nothing in JSON.
func (o *Output) Note(format string, args ...any) {
	if o.format == Text {
		fmt.Fprintf(o.err.w, format+"\n", args...)
	}
}

// document writes v on stdout, indented.
func (o *Output) document(v any) error {
	enc := json.NewEncoder(o.out.w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
