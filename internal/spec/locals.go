package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// readLocals evaluates all locals blocks together, each local after those it refers to.
func (l *loader) readLocals(file *block) {
	attrs := map[string]*hclsyntax.Attribute{}
	l.locals = map[string]cty.Value{}
	for _, b := range file.all("locals") {
		for _, a := range inOrder(b.attrs) {
			if before := attrs[a.Name]; before != nil {
				l.errorf(a.NameRange, fmt.Sprintf("Second local %q", a.Name),
					"It is set on line %d already. Rename or remove one of the two.", before.NameRange.Start.Line)
				continue
			}
			attrs[a.Name] = a
			l.locals[a.Name] = cty.DynamicVal
		}
	}
	r := localsReader{loader: l, attrs: attrs, done: map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		r.read(name)
	}
}

type localsReader struct {
	*loader
	attrs map[string]*hclsyntax.Attribute
	done  map[string]bool
	path  []string // being evaluated, outermost first
}

func (r *localsReader) read(name string) {
	a := r.attrs[name]
	if a == nil || r.done[name] {
		return
	}
	if i := slices.Index(r.path, name); i >= 0 {
		circle := append(slices.Clone(r.path[i:]), name)
		r.errorf(a.NameRange, "Locals in a circle", "%s: each needs the other's value first. Break the circle.",
			"local."+strings.Join(circle, " → local."))
		r.done[name] = true // stays unknown, and what refers to it stays silent
		return
	}
	r.path = append(r.path, name)
	for _, t := range a.Expr.Variables() {
		if t.RootName() != "local" {
			continue
		}
		if other, named := step(t); named {
			r.read(other)
		} else {
			r.errorf(t.SourceRange(), "All locals at once", "A local can refer to others by name only: local.NAME.")
			r.done[name] = true
		}
	}
	r.path = r.path[:len(r.path)-1]
	if r.done[name] {
		return
	}
	r.done[name] = true
	if v, ok := r.eval(a.Expr, r.scope(nil)); ok {
		r.locals[name] = v
	}
}
