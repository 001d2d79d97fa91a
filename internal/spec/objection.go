package spec

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Places are where things stand in the file that a running cluster cannot simply change, or that its version of Kubernetes may not know.
// What the file does not say stands at the head of the block that would hold it.
type Places struct {
	Cluster    hcl.Range // the head of the cluster block
	Kubernetes hcl.Range
	Pods       hcl.Range
	Services   hcl.Range
	DNS        hcl.Range
	Flags      map[string]map[string]hcl.Range // by program and flag, as in Cluster.Flags
}

// Objection is something that the file asks for, rightly by itself, and that cannot be done to the cluster as it stands.
type Objection struct {
	At      hcl.Range
	Summary string // "Changed address"
	Detail  string // what was expected, and the remedy, in sentences
}

// Refuse is nil without objections, and else an *Error that shows them as those of loading are shown, in the file's order.
func (c *Cluster) Refuse(objections ...Objection) error {
	if len(objections) == 0 {
		return nil
	}
	slices.SortStableFunc(objections, func(a, b Objection) int { return cmp.Compare(a.At.Start.Byte, b.At.Start.Byte) })
	var diags hcl.Diagnostics
	for _, o := range objections {
		at := o.At
		if at.Filename == "" { // a cluster that was not read from a file
			at = hcl.Range{Filename: c.File, Start: hcl.InitialPos, End: hcl.InitialPos}
		}
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: o.Summary, Detail: o.Detail, Subject: &at})
	}
	return newError(diags, c.sources)
}
