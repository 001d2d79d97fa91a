package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// scope is what an expression may refer to.
type scope struct {
	ctx    *hcl.EvalContext
	each   bool // each.key and each.value exist
	static bool // nothing may be referred to: defaults and values of variables
}

// scope gives the names known so far, and each where key is given.
func (l *loader) scope(each map[string]cty.Value) scope {
	vars := map[string]cty.Value{"var": object(l.vars), "local": object(l.locals)}
	if each != nil {
		vars["each"] = cty.ObjectVal(each)
	}
	return scope{ctx: &hcl.EvalContext{Variables: vars, Functions: l.functions()}, each: each != nil}
}

func object(m map[string]cty.Value) cty.Value {
	if len(m) == 0 {
		return cty.EmptyObjectVal
	}
	return cty.ObjectVal(m)
}

// eval gives the value of expr. ok is false when there is none: either that was reported here, or it
// rests on a variable or local whose error was reported before.
func (l *loader) eval(expr hcl.Expression, s scope) (v cty.Value, ok bool) {
	if !l.references(expr, s) {
		return cty.DynamicVal, false
	}
	v, diags := expr.Value(s.ctx)
	if diags.HasErrors() {
		if v != cty.NilVal && !v.IsWhollyKnown() && l.restsOnFailed(expr, s) {
			return cty.DynamicVal, false
		}
		for _, d := range diags {
			if d.Subject == nil {
				d.Subject = expr.Range().Ptr()
			}
		}
		l.diags = append(l.diags, diags...)
		return cty.DynamicVal, false
	}
	return v, v.IsWhollyKnown()
}

// restsOnFailed reports whether expr refers to something whose own error was reported already.
func (l *loader) restsOnFailed(expr hcl.Expression, s scope) bool {
	for _, t := range expr.Variables() {
		if v, diags := t.TraverseAbs(s.ctx); !diags.HasErrors() && !v.IsWhollyKnown() {
			return true
		}
	}
	return false
}

// references checks every name that expr refers to, with better advice than evaluation would give.
func (l *loader) references(expr hcl.Expression, s scope) bool {
	good := true
	for _, t := range expr.Variables() {
		if !l.reference(t, s) {
			good = false
		}
	}
	return good
}

func (l *loader) reference(t hcl.Traversal, s scope) bool {
	root := t.RootName()
	name, named := step(t)
	switch {
	case s.static:
		l.errorf(t.SourceRange(), "Reference in a fixed value",
			"The value of a variable cannot refer to anything. Put what is computed into locals { … }.")
		return false
	case root == "var" && named:
		return l.declared(t, "variable", name, l.vars, fmt.Sprintf("Declare it: variable %q { … }", name))
	case root == "local" && named:
		return l.declared(t, "local", name, l.locals, fmt.Sprintf("Set it: locals { %s = … }", name))
	case root == "each" && !s.each:
		l.errorf(t.SourceRange(), "No each here", "each.key and each.value exist only inside a node block that has for_each, and not in for_each itself.")
		return false
	case root == "each" && named && name != "key" && name != "value":
		l.errorf(t.SourceRange(), fmt.Sprintf("Unknown name \"each.%s\"", name), "There are each.key and each.value.")
		return false
	case root == "var" || root == "local" || root == "each":
		return true
	}
	l.errorf(t.SourceRange(), fmt.Sprintf("Unknown name %q", root),
		"Names are var.NAME, local.NAME and, in a node block with for_each, each.key and each.value.%s A text needs quotes: %q.",
		suggest(root, []string{"var", "local", "each"}), strings.TrimSpace(root))
	return false
}

func (l *loader) declared(t hcl.Traversal, kind, name string, known map[string]cty.Value, remedy string) bool {
	if _, ok := known[name]; ok {
		return true
	}
	l.errorf(t.SourceRange(), fmt.Sprintf("Unknown %s %q", kind, name), "No %s of that name is declared in this file.%s %s",
		kind, suggest(name, slices.Sorted(maps.Keys(known))), remedy)
	return false
}

// step is the name after the root: x in var.x or var["x"].
func step(t hcl.Traversal) (string, bool) {
	if len(t) < 2 {
		return "", false
	}
	switch s := t[1].(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}
