package spec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/gocty"
)

// section is a block in the scope that its attributes are evaluated in.
// Its readers give ok = false for what is absent, null, or wrong (and then reported).
type section struct {
	*loader
	block *block // nil when the file has no such block: everything is absent
	scope scope
}

func (l *loader) section(b *block, s scope) section { return section{l, b, s} }

// sub is the section of the one block of that name inside s, absent or not.
func (s section) sub(name string) section {
	if s.block == nil {
		return s
	}
	return section{s.loader, s.block.only(name), s.scope}
}

func (s section) has(name string) bool { return s.block != nil && s.block.attrs[name] != nil }

// at is where an attribute's value stands; the block's head if there is none.
func (s section) at(name string) hcl.Range {
	if s.has(name) {
		return s.block.attrs[name].Expr.Range()
	}
	return s.head()
}

func (s section) head() hcl.Range {
	if s.block == nil {
		return hcl.Range{}
	}
	return s.block.defRange
}

// value evaluates an attribute and converts it to its type.
func (s section) value(name string) (cty.Value, bool) {
	if !s.has(name) {
		return cty.NilVal, false
	}
	expr := s.block.attrs[name].Expr
	v, ok := s.eval(expr, s.scope)
	if !ok {
		return cty.NilVal, false
	}
	want, _ := s.block.typ.attribute(name)
	if v.IsNull() {
		if want.required {
			s.errorf(expr.Range(), fmt.Sprintf("Missing attribute %q", name), "A %s block must set %s, and here it is null.", s.block.typ.name, name)
		}
		return cty.NilVal, false
	}
	if want.typ == cty.NilType {
		return v, true
	}
	got := v.Type()
	v, err := convert.Convert(v, want.typ)
	if err != nil {
		s.errorf(expr.Range(), fmt.Sprintf("Wrong type for %q", name), "It must be %s, and this is %s.", describe(want.typ), kindOf(got))
		return cty.NilVal, false
	}
	return v, true
}

func describe(t cty.Type) string {
	switch {
	case t == cty.String:
		return `a text, such as "…"`
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType():
		return `a list of texts, such as ["…", "…"]`
	case t.IsMapType():
		return "a map of texts, such as { key = \"…\" }"
	}
	return t.FriendlyName()
}

// kindOf says what a value of type t looks like in the file.
func kindOf(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType() || t.IsListType():
		return "a list"
	case t.IsSetType():
		return "a set of something else"
	case t.IsObjectType() || t.IsMapType():
		return "a map, or one with other values"
	}
	return t.FriendlyName()
}

// sentence ends a text as one.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

func (s section) str(name string) (string, bool) {
	v, ok := s.value(name)
	if !ok {
		return "", false
	}
	return v.AsString(), true
}

func (s section) boolean(name string) (bool, bool) {
	v, ok := s.value(name)
	return ok && v.True(), ok
}

// integer reads a whole number from lo to hi; what is its meaning, for the message.
func (s section) integer(name string, lo, hi int, what string) (int, bool) {
	v, ok := s.value(name)
	if !ok {
		return 0, false
	}
	var n int
	if err := gocty.FromCtyValue(v, &n); err != nil || n < lo || n > hi {
		s.errorf(s.at(name), fmt.Sprintf("%q out of range", name), "%s must be a whole number from %d to %d.", what, lo, hi)
		return 0, false
	}
	return n, true
}

// choice reads one of a few fixed words.
func (s section) choice(name, otherwise string, allowed ...string) string {
	v, ok := s.str(name)
	if !ok {
		return otherwise
	}
	for _, a := range allowed {
		if v == a {
			return v
		}
	}
	s.errorf(s.at(name), fmt.Sprintf("Unknown %s %q", name, v), "%s must be %s.%s", name, anyOf(allowed), suggest(v, allowed))
	return otherwise
}
