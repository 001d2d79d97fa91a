package spec

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Error is everything that is wrong with a cluster file, with the sources to show it in.
// Snippets are redacted where the file holds a secret.
type Error struct {
	Diags hcl.Diagnostics // never empty; in the order of the file
	files map[string]*hcl.File
}

func newError(diags hcl.Diagnostics, files map[string]*hcl.File) *Error {
	safe := map[string]*hcl.File{}
	for name, f := range files {
		safe[name] = redact(f)
	}
	return &Error{Diags: diags, files: safe}
}

// Error gives the plain text with snippets, without a trailing newline.
func (e *Error) Error() string {
	var b strings.Builder
	if err := e.Format(&b, 78, false); err != nil {
		return e.Diags.Error()
	}
	return strings.TrimRight(b.String(), "\n")
}

// Format writes every diagnostic with its snippet. Details are wrapped at width columns (0: not at all);
// color marks severity and place with terminal sequences. It fails only if w does.
func (e *Error) Format(w io.Writer, width int, color bool) error {
	var b bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&b, e.files, uint(max(width, 0)), color).WriteDiagnostics(e.Diags); err != nil {
		return err
	}
	text := b.Bytes()
	if !color { // the writer closes its highlight even where it opened none
		text = bytes.ReplaceAll(text, []byte("\x1b[0m"), nil)
	}
	_, err := w.Write(text)
	return err
}

// jsonDiagnostic is one diagnostic as -o json prints it. Lines and columns count from 1, bytes from 0.
type jsonDiagnostic struct {
	Severity string     `json:"severity"` // error | warning
	Summary  string     `json:"summary"`
	Detail   string     `json:"detail,omitempty"`
	Range    *jsonRange `json:"range,omitempty"`
	Snippet  string     `json:"snippet,omitempty"` // the line that range starts on
}

type jsonRange struct {
	Filename string  `json:"filename"`
	Start    jsonPos `json:"start"`
	End      jsonPos `json:"end"`
}

type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// MarshalJSON gives {"diagnostics": [{severity, summary, detail, range, snippet}, …]}.
func (e *Error) MarshalJSON() ([]byte, error) {
	out := struct {
		Diagnostics []jsonDiagnostic `json:"diagnostics"`
	}{}
	for _, d := range e.Diags {
		jd := jsonDiagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			jd.Severity = "warning"
		}
		if s := d.Subject; s != nil {
			jd.Range = &jsonRange{s.Filename, position(s.Start), position(s.End)}
			jd.Snippet = e.line(s)
		}
		out.Diagnostics = append(out.Diagnostics, jd)
	}
	return json.Marshal(out)
}

func position(p hcl.Pos) jsonPos { return jsonPos{p.Line, p.Column, p.Byte} }

// line is the source line that r starts on.
func (e *Error) line(r *hcl.Range) string {
	f := e.files[r.Filename]
	if f == nil || r.Start.Byte > len(f.Bytes) {
		return ""
	}
	from := bytes.LastIndexByte(f.Bytes[:r.Start.Byte], '\n') + 1
	line, _, _ := bytes.Cut(f.Bytes[from:], []byte("\n"))
	return strings.TrimRight(string(line), "\r")
}
