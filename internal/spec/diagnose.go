package spec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// errorf reports one error at rng. The detail says what was expected and what to do.
func (l *loader) errorf(rng hcl.Range, summary, detail string, args ...any) {
	l.diags = append(l.diags, &hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf(detail, args...),
		Subject:  &rng,
	})
}

// sorted gives what was reported in the order of the files, each thing once: the attributes of a node
// with for_each are evaluated once per instance, and may well fail the same way each time.
func (l *loader) sorted() hcl.Diagnostics {
	diags := slices.Clone(l.diags)
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		ra, rb := subject(a), subject(b)
		return cmp.Or(
			cmp.Compare(l.order[ra.Filename], l.order[rb.Filename]),
			cmp.Compare(ra.Start.Byte, rb.Start.Byte),
			cmp.Compare(ra.End.Byte, rb.End.Byte),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	return slices.CompactFunc(diags, func(a, b *hcl.Diagnostic) bool {
		return subject(a) == subject(b) && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

func subject(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}

// hugeNumber finds a literal like 1e99999999, which is short to write and a hundred megabytes long
// once something turns it into text.
func hugeNumber(body *hclsyntax.Body) *hclsyntax.LiteralValueExpr {
	var found *hclsyntax.LiteralValueExpr
	// The visitor never returns diagnostics.
	_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		lit, ok := n.(*hclsyntax.LiteralValueExpr)
		if !ok || found != nil || lit.Val.IsNull() || lit.Val.Type() != cty.Number {
			return nil
		}
		if exp := lit.Val.AsBigFloat().MantExp(nil); exp > 1024 || exp < -1024 {
			found = lit
		}
		return nil
	})
	return found
}
