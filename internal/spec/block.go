package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// block is one block of the file whose names have been checked against its type.
// Its attributes are not evaluated yet: a node's depend on for_each.
type block struct {
	typ        *blockType
	label      string
	labelRange hcl.Range
	defRange   hcl.Range
	attrs      map[string]*hclsyntax.Attribute
	blocks     []*block // in the file's order
}

// shape checks names, labels and repetition in body and everything below it.
// What is wrong is reported and left out, so that the rest is still read.
func (l *loader) shape(body *hclsyntax.Body, t *blockType, b *block) *block {
	b.typ, b.attrs = t, map[string]*hclsyntax.Attribute{}
	misspelt := map[string]bool{} // what was probably meant is not missing as well
	for _, a := range inOrder(body.Attributes) {
		if _, known := t.attribute(a.Name); known || t.open {
			b.attrs[a.Name] = a
			continue
		}
		l.unknownAttribute(a, t)
		misspelt[closest(a.Name, t.attributeNames())] = true
	}
	for _, a := range t.attrs {
		if a.required && b.attrs[a.name] == nil && !misspelt[a.name] {
			l.errorf(b.defRange, fmt.Sprintf("Missing attribute %q", a.name),
				"A %s block must set %s.", t.name, a.name)
		}
	}
	first := map[string]hcl.Range{}
	for _, child := range body.Blocks {
		ct := t.block(child.Type)
		if ct == nil {
			l.unknownBlock(child, t)
			continue
		}
		if before, again := first[child.Type]; again && ct.once {
			l.errorf(child.DefRange(), fmt.Sprintf("Second %s block", child.Type),
				"There may be one %s block in %s, and there is one on line %d already. Merge the two.",
				child.Type, t.name, before.Start.Line)
			continue
		}
		first[child.Type] = child.DefRange()
		next := &block{defRange: child.DefRange()}
		l.readLabel(child, ct, next)
		b.blocks = append(b.blocks, l.shape(child.Body, ct, next))
	}
	return b
}

// readLabel reads the one label that a block may have. A block with too few or too many is
// still read on, for what else is wrong in it.
func (l *loader) readLabel(child *hclsyntax.Block, t *blockType, b *block) {
	if t.label != "" && len(child.Labels) > 0 {
		b.label, b.labelRange = child.Labels[0], child.LabelRanges[0]
	}
	switch {
	case t.label == "" && len(child.Labels) > 0:
		l.errorf(child.LabelRanges[0], "Unexpected label", "A %s block takes no label. Write: %s { … }", t.name, t.name)
	case t.label != "" && len(child.Labels) == 0:
		l.errorf(child.DefRange(), "Missing label", "A %s block takes one label, %s. Write: %s \"…\" { … }", t.name, t.label, t.name)
	case t.label != "" && len(child.Labels) > 1:
		l.errorf(child.LabelRanges[1], "Unexpected label", "A %s block takes one label, %s; remove the others.", t.name, t.label)
	}
}

// unlabelled reports whether b lacks the label that it should have, which has been reported.
func (b *block) unlabelled() bool { return b.label == "" && b.labelRange == hcl.Range{} }

func (l *loader) unknownAttribute(a *hclsyntax.Attribute, t *blockType) {
	if secretName(a.Name) {
		l.errorf(a.NameRange, "Secret in the file",
			"%q looks like a secret, and secrets do not belong in a file that is kept in version control. "+
				"Write it to a file of its own with mode 0600 and name that file: a sudo password goes into "+
				"ssh { sudo_password_file = \"…\" }.", a.Name)
		return
	}
	if ct := t.block(a.Name); ct != nil {
		label := ""
		if ct.label != "" {
			label = ` "…"`
		}
		l.errorf(a.NameRange, fmt.Sprintf("Unknown attribute %q", a.Name),
			"%q is a block in %s. Write it without the equals sign: %s%s { … }", a.Name, t.name, a.Name, label)
		return
	}
	l.errorf(a.NameRange, fmt.Sprintf("Unknown attribute %q", a.Name), "There is no such attribute in %s.%s%s",
		t.name, suggest(a.Name, t.attributeNames()), takes("attributes", t.attributeNames()))
}

func (l *loader) unknownBlock(child *hclsyntax.Block, t *blockType) {
	if _, ok := t.attribute(child.Type); ok {
		l.errorf(child.TypeRange, fmt.Sprintf("Unknown block %q", child.Type),
			"%q is an attribute in %s. Write it with an equals sign: %s = …", child.Type, t.name, child.Type)
		return
	}
	if lb := t.block("load_balancer"); lb != nil && slices.Contains(lbKinds(), child.Type) {
		l.errorf(child.TypeRange, fmt.Sprintf("Unknown block %q", child.Type),
			"That is a kind of load balancer. Write: load_balancer %q { … }", child.Type)
		return
	}
	l.errorf(child.TypeRange, fmt.Sprintf("Unknown block %q", child.Type), "There is no such block in %s.%s%s",
		t.name, suggest(child.Type, t.blockNames()), takes("blocks", t.blockNames()))
}

// takes lists what would have been right.
func takes(what string, names []string) string {
	if len(names) == 0 {
		return " It takes no " + what + "."
	}
	return fmt.Sprintf(" It takes the %s %s.", what, strings.Join(names, ", "))
}

// inOrder lists attributes as they stand in the file: a map's order must not reach the messages.
func inOrder(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	var out []*hclsyntax.Attribute
	for _, a := range attrs {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
	return out
}

// all lists the blocks of one type in b; only gives the one, or nil.
func (b *block) all(name string) []*block {
	var out []*block
	for _, c := range b.blocks {
		if c.typ.name == name {
			out = append(out, c)
		}
	}
	return out
}

func (b *block) only(name string) *block {
	if all := b.all(name); len(all) > 0 {
		return all[0]
	}
	return nil
}
