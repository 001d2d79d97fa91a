package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
)

// Plan answers with p. As text it sums up what is many and of a kind, such as the files of a fresh
// machine, and cuts long diffs, unless full; what is changed or deleted is always named one by one.
// As JSON it is p itself.
func (o *Output) Plan(p *plan.Plan, full bool) error {
	if o.format == JSON {
		return o.document(p)
	}
	_, err := io.WriteString(o.out.w, o.out.planText(p, full))
	return err
}

func (s stream) planText(p *plan.Plan, full bool) string {
	width, _ := s.size()
	w := &planWriter{look: s.look, width: width, full: full, seen: map[string]string{}}
	for _, warning := range p.Warnings {
		w.printf("%s %s\n", s.warn.Bold(true).Render(s.alert), s.warn.Render(clean(warning)))
	}
	if p.Empty() {
		w.printf("%s No changes: %s is as declared, %s, Kubernetes %s.\n",
			s.good.Render(s.ok), s.bold.Render(p.Cluster), plural(len(p.Nodes), "node"), p.Kubernetes)
		return w.String()
	}
	w.printf("%s %s %s Kubernetes %s\n", s.bold.Render("Plan for"), s.bold.Render(p.Cluster), s.dot, p.Kubernetes)
	for _, group := range w.groups(p.Nodes) {
		w.nodes(group)
	}
	w.objects(p.Objects)
	w.programs(p.Programs)
	w.course(p)
	w.printf("\n%s\n", summary(p))
	if w.hidden {
		w.printf("%s\n", s.dim.Render("Add --full to see every change and whole diffs."))
	}
	return w.String()
}

// course is the order of a change of version.
func (w *planWriter) course(p *plan.Plan) {
	if len(p.Course) == 0 {
		return
	}
	head := "In this order"
	if p.From != "" {
		head = fmt.Sprintf("From Kubernetes %s to %s, in this order", p.From, p.Kubernetes)
	}
	w.printf("\n%s\n", w.bold.Render(head))
	var whole time.Duration
	var rows [][]string
	for i, stage := range p.Course {
		rows = append(rows, []string{fmt.Sprintf("%d.", i+1), stage.Name, clean(strings.Join(stage.Nodes, ", ")), clean(stage.Does), about(stage)})
		whole += time.Duration(stage.Estimate * float64(time.Second))
	}
	w.WriteString(w.table([]string{"", "stage", "nodes", "what", "takes"}, rows))
	if whole > 0 {
		w.printf("%s\n", w.dim.Render("About "+whole.Round(time.Second).String()+" in all, as measured on this cluster."))
	}
}

// about is how long a stage took when it was last measured.
func about(s plan.Stage) string {
	if s.Estimate == 0 {
		return ""
	}
	return "~" + time.Duration(s.Estimate*float64(time.Second)).Round(time.Second).String()
}

// summary is the plan in one line.
func summary(p *plan.Plan) string {
	var all []node.Change
	nodes, removed := 0, 0
	for _, n := range p.Nodes {
		if n.Removed {
			removed++
		}
		if n.Removed || len(n.Changes) > 0 {
			nodes++
		}
		all = append(all, n.Changes...)
	}
	text := fmt.Sprintf("Plan: %d of %s: %s", nodes, plural(len(p.Nodes), "node"), counts(all))
	if removed > 0 {
		text += fmt.Sprintf(", %s to leave", plural(removed, "node"))
	}
	var objects []node.Change
	for _, o := range p.Objects {
		objects = append(objects, node.Change{Action: o.Action})
	}
	return text + "; cluster objects: " + counts(objects) + "."
}

// counts is "214 to create, 0 to change, 0 to delete", with starts and restarts if there are any.
func counts(changes []node.Change) string {
	n := map[node.Action]int{}
	for _, c := range changes {
		n[c.Action]++
	}
	text := fmt.Sprintf("%d to create, %d to change, %d to delete", n[node.Create], n[node.Update], n[node.Delete])
	if k := n[node.Start]; k > 0 {
		text += fmt.Sprintf(", %d to start", k)
	}
	if k := n[node.Restart]; k > 0 {
		text += fmt.Sprintf(", %d to restart", k)
	}
	return text
}

// planWriter writes a plan's text.
type planWriter struct {
	look
	strings.Builder
	width  int
	full   bool
	hidden bool              // something was summed up or cut
	seen   map[string]string // diff → node that it was shown for
}

func (w *planWriter) printf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// groups puts nodes together whose text would be the same, such as fresh machines of a role.
func (w *planWriter) groups(nodes []plan.Node) [][]plan.Node {
	var out [][]plan.Node
	at := map[string]int{}
	for _, n := range nodes {
		if len(n.Changes) == 0 && !n.Removed {
			continue
		}
		alone := &planWriter{look: w.look, width: w.width, full: w.full, seen: map[string]string{}}
		alone.body(n)
		key := fmt.Sprint(n.Role, n.Removed, alone.String())
		if i, ok := at[key]; ok {
			out[i] = append(out[i], n)
			continue
		}
		at[key] = len(out)
		out = append(out, []plan.Node{n})
	}
	return out
}

// nodes writes what changes on each of a group.
func (w *planWriter) nodes(group []plan.Node) {
	var names []string
	for _, n := range group {
		names = append(names, n.Name)
	}
	about := group[0].Role
	if len(group) == 1 {
		about += " " + w.dot + " " + group[0].Address
	}
	w.printf("\n%s  %s\n", w.bold.Render(strings.Join(names, ", ")), w.dim.Render(about))
	if group[0].Removed {
		w.printf("  %s no longer declared: drained, deleted from the cluster, cleaned\n", w.bad.Render("-"))
	}
	w.body(group[0])
	if bytes := toSend(group[0].Changes); bytes > 0 {
		each := ""
		if len(group) > 1 {
			each = " to each"
		}
		w.printf("    %s\n", w.dim.Render(size(bytes)+" to send"+each))
	}
}

// toSend is the bytes of all blobs that the changes need, each counted once.
func toSend(changes []node.Change) int64 {
	var n int64
	seen := map[string]bool{}
	for _, c := range changes {
		for _, b := range c.Blobs {
			if !seen[b.Digest] {
				seen[b.Digest] = true
				n += b.Size
			}
		}
	}
	return n
}
