package ui

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
)

// few is how many creations of one kind are named one by one.
const few = 3

// body writes a node's changes in the order in which they would be made; creations of a kind that are many
// are summed up where the first of them stands.
func (w *planWriter) body(n plan.Node) {
	many := map[string][]node.Change{}
	for _, c := range n.Changes {
		if kind, _ := split(c.ID); c.Action == node.Create {
			many[kind] = append(many[kind], c)
		}
	}
	for _, c := range n.Changes {
		kind, _ := split(c.ID)
		of := many[kind]
		if c.Action != node.Create || w.full || len(of) <= few {
			w.change(n.Name, c)
			continue
		}
		if c.ID == of[0].ID {
			w.hidden = true
			head := fmt.Sprintf("  %s %-12s", w.sign(node.Create), plural(len(of), kind))
			w.printf("%s %s\n", head, w.dim.Render(w.end(names(kind, of), w.width-18)))
		}
	}
}

// change writes one change with its diff.
func (w *planWriter) change(of string, c node.Change) {
	kind, name := split(c.ID)
	line := fmt.Sprintf("  %s %s", w.sign(c.Action), kind)
	if name != "" {
		line += " " + clean(name)
	}
	switch c.Action {
	case node.Start, node.Restart, node.Delete:
		line += w.dim.Render("  " + string(c.Action))
	}
	before, after := shorten(c.Before), shorten(c.After)
	multiline := strings.Contains(before+after, "\n")
	if !multiline && c.Action == node.Update && before+after != "" {
		line += "  " + w.dim.Render(orNone(before)+" "+w.to+" ") + orNone(after)
	}
	w.printf("%s\n", line)
	if c.Reason != "" {
		w.printf("      %s\n", w.dim.Render(oneLine(c.Reason)))
	}
	if !multiline || c.Action != node.Update && !w.full {
		return
	}
	if words, ok := pemWords(c.Before, c.After, w.to); ok {
		for _, line := range words {
			w.printf("      %s\n", clean(line))
		}
		return
	}
	w.diff(of, before, after)
}

// objects writes the changes to the cluster's API.
func (w *planWriter) objects(objects []plan.Object) {
	if len(objects) == 0 {
		return
	}
	w.printf("\n%s\n", w.bold.Render("Cluster objects"))
	var created []node.Change
	for _, o := range objects {
		c := node.Change{ID: o.ID, Action: o.Action, Before: o.Before, After: o.After}
		if o.Action == node.Create && !w.full {
			created = append(created, c)
			continue
		}
		w.change("the cluster", c)
	}
	if len(created) <= few {
		for _, c := range created {
			w.change("the cluster", c)
		}
		return
	}
	w.hidden = true
	w.printf("  %s %-12s %s\n", w.sign(node.Create), plural(len(created), "object"),
		w.dim.Render(w.end(kinds(created), w.width-18)))
}

func (w *planWriter) sign(a node.Action) string {
	switch a {
	case node.Create, node.Start:
		return w.good.Render("+")
	case node.Delete:
		return w.bad.Render("-")
	case node.Restart:
		return w.accent.Render(w.restart)
	}
	return w.warn.Render("~")
}

// split parts "file /etc/hosts" into kind and name.
func split(id string) (kind, name string) {
	kind, name, _ = strings.Cut(id, " ")
	return kind, name
}

// names says which changes of a kind there are: files by directory, others by their short names.
func names(kind string, changes []node.Change) string {
	if kind == "file" {
		return tally(changes, func(c node.Change) string { _, name := split(c.ID); return path.Dir(name) })
	}
	var out []string
	for _, c := range changes {
		_, name := split(c.ID)
		if kind == "binary" || kind == "image" {
			name = path.Base(name)
		}
		out = append(out, clean(name))
	}
	return strings.Join(out, ", ")
}

// kinds is "4 ClusterRole, 2 ConfigMap": Kubernetes kinds are names, and have no plural here.
func kinds(changes []node.Change) string {
	return tally(changes, func(c node.Change) string { kind, _ := split(c.ID); return kind })
}

// tally counts changes by key, most first.
func tally(changes []node.Change, key func(node.Change) string) string {
	n := map[string]int{}
	var keys []string
	for _, c := range changes {
		k := clean(key(c))
		if n[k]++; n[k] == 1 {
			keys = append(keys, k)
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return n[b] - n[a] })
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%d %s", n[k], k))
	}
	return strings.Join(out, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return oneLine(s)
}
