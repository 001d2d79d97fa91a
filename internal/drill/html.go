package drill

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.html.tmpl
var pageText string

// page is what the template shows.
type page struct {
	*Report
	Timeline *canvas
	Notable  []notable
	More     int // notable requests that are left out
}

// notable is a request that failed or was slow.
type notable struct {
	At, Stage, Class, Tell string
}

// mostNotable keeps a page of a cluster that was down for an hour readable.
const mostNotable = 2000

// HTML writes the report as one page that needs nothing else.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"latency": latency, "length": length, "names": func(s Stage) string { return strings.Join(s.Names(), ", ") },
		"when":  func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") },
		"share": func(f Figures) string { return fmt.Sprintf("%.3f %%", 100*f.share()) },
		"lists": func() [][]string {
			return [][]string{r.Writes.Lost, r.Writes.Stale, r.Writes.Backwards, r.Watch.Missed, r.Objects.Lost, r.Objects.Changed}
		},
		"join": func(s []string) string { return strings.Join(s, ", ") },
		"over": func(v float64) bool { return v > longestOutage },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	p := page{Report: r, Timeline: r.timeline()}
	for _, s := range r.Samples {
		class := mark(s)
		if class == "" {
			continue
		}
		if len(p.Notable) == mostNotable {
			p.More++
			continue
		}
		var during []string
		for _, st := range r.Stages {
			if st.has(s.At) {
				during = append(during, st.Label())
			}
		}
		p.Notable = append(p.Notable, notable{fmt.Sprintf("+%.2f s", s.At), strings.Join(during, ", "), class, tell(s)})
	}
	return t.Execute(w, p)
}

func latency(seconds float64) string {
	switch ms := seconds * 1000; {
	case seconds == 0:
		return "–"
	case ms < 9.95:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func length(seconds float64) string {
	if seconds < 100 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return fmt.Sprintf("%d min %02d s", int(seconds)/60, int(seconds)%60)
}
