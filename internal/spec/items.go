package spec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// item is one element of a list or map, with the place it stands at where that can be told.
type item struct {
	key, value string
	at         hcl.Range
}

// list reads a list of texts.
func (s section) list(name string) ([]item, bool) {
	v, ok := s.value(name)
	if !ok {
		return nil, false
	}
	expr := s.block.attrs[name].Expr
	tuple, literal := expr.(*hclsyntax.TupleConsExpr)
	var items []item
	for i, e := range v.AsValueSlice() {
		it := item{at: expr.Range()}
		if literal && len(tuple.Exprs) == v.LengthInt() {
			it.at = tuple.Exprs[i].Range()
		}
		if e.IsNull() {
			s.errorf(it.at, "Null in a list", "%s takes texts. Remove the null.", name)
			continue
		}
		it.value = e.AsString()
		items = append(items, it)
	}
	return items, true
}

// pairs reads a map of texts, in the order of its keys.
func (s section) pairs(name string) ([]item, bool) {
	v, ok := s.value(name)
	if !ok {
		return nil, false
	}
	expr := s.block.attrs[name].Expr
	places := map[string]hcl.Range{}
	if obj, literal := expr.(*hclsyntax.ObjectConsExpr); literal {
		for _, it := range obj.Items {
			if k, diags := it.KeyExpr.Value(s.scope.ctx); !diags.HasErrors() && k.Type() == cty.String && k.IsKnown() && !k.IsNull() {
				places[k.AsString()] = hcl.RangeBetween(it.KeyExpr.Range(), it.ValueExpr.Range())
			}
		}
	}
	var items []item
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		entry := item{key: k.AsString(), at: expr.Range()}
		if at, known := places[entry.key]; known {
			entry.at = at
		}
		if e.IsNull() {
			s.errorf(entry.at, "Null in a map", "%s takes texts, and %q has none. Remove it or give it a value.", name, entry.key)
			continue
		}
		entry.value = e.AsString()
		items = append(items, entry)
	}
	return items, true
}
