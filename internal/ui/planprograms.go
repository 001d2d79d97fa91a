package ui

import (
	"path"
	"strings"

	"github.com/slipway/slipway/internal/plan"
)

// programs writes in a line each which images and flags of what runs change.
func (w *planWriter) programs(programs []plan.Program) {
	if len(programs) == 0 {
		return
	}
	w.printf("\n%s\n", w.bold.Render("Programs"))
	var rows [][]string
	for _, p := range programs {
		where := clean(strings.Join(p.Nodes, ", "))
		if where == "" {
			where = "the cluster"
		}
		rows = append(rows, []string{clean(p.Name), where, w.images(p), w.flags(p.Flags)})
	}
	w.WriteString(w.table([]string{"program", "on", "image", "flags"}, rows))
}

// images is "kube:v1.35.4 → v1.36.3": registries are all the same, and so is the name most times.
func (w *planWriter) images(p plan.Program) string {
	if p.From == p.To {
		return w.dim.Render("stays")
	}
	from, to := clean(path.Base(p.From)), clean(path.Base(p.To))
	if name, tag, ok := strings.Cut(to, ":"); ok && strings.HasPrefix(from, name+":") {
		to = tag
	}
	return from + " " + w.to + " " + to
}

func (w *planWriter) flags(flags []plan.Flag) string {
	if len(flags) == 0 {
		return w.dim.Render("stay")
	}
	var out []string
	for _, f := range flags {
		switch {
		case f.Before == "":
			out = append(out, w.good.Render("+")+" "+clean(f.After))
		case f.After == "":
			out = append(out, w.bad.Render("-")+" "+clean(f.Before))
		default:
			out = append(out, w.warn.Render("~")+" "+clean(f.Before)+" "+w.to+" "+clean(strings.TrimPrefix(f.After, "--"+f.Name+"=")))
		}
	}
	return strings.Join(out, ", ")
}
