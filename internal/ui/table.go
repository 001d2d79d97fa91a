package ui

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table answers with v as JSON, or with rows under their heads as text.
func (o *Output) Table(v any, head []string, rows [][]string) error {
	if o.format == JSON {
		return o.document(v)
	}
	_, err := io.WriteString(o.out.w, o.out.table(head, rows))
	return err
}

// table lays out rows in columns without lines, each ended by a line end. Cells may hold colours.
func (l look) table(head []string, rows [][]string) string {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	cells := table.Row{}
	for _, h := range head {
		cells = append(cells, l.dim.Render(strings.ToUpper(h)))
	}
	t.AppendHeader(cells)
	for _, r := range rows {
		cells := table.Row{}
		for _, c := range r {
			cells = append(cells, c)
		}
		t.AppendRow(cells)
	}
	var b strings.Builder
	for _, line := range strings.Split(t.Render(), "\n") {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
