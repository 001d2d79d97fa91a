package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// walk visits every block type with the names of the blocks around it.
func walk(t *blockType, parents []string, visit func(t *blockType, path []string)) {
	for _, b := range t.blocks {
		path := append(append([]string{}, parents...), b.name)
		visit(b, path)
		walk(b, path, visit)
	}
}

// TestEveryAttributeIsRead sets each attribute to an expression that fails, and expects to hear of it:
// an attribute that is accepted and then ignored would be a lie.
func TestEveryAttributeIsRead(t *testing.T) {
	operator(t)
	walk(fileType(), nil, func(b *blockType, path []string) {
		for _, a := range b.attrs {
			where := strings.Join(path, ".") + "." + a.name
			// Types of variables are keywords, and their values refer to nothing.
			want := map[string]string{"variable.type": "Invalid type", "variable.default": "Reference in a fixed", "variable.description": "Reference in a fixed"}[where]
			if want == "" {
				want = `Unknown variable "nowhere"`
			}
			found := false
			for _, label := range []string{"vip", "node_local", "etcd"} { // a label that suits every block
				_, err := Read(source(t, nest(path, label, a.name)), LoadOptions{})
				found = found || err != nil && strings.Contains(err.Error(), want)
			}
			if !found {
				t.Errorf("%s is not read", where)
			}
		}
	})
}

// nest writes the blocks of path inside each other, the innermost with the broken attribute.
func nest(path []string, label, broken string) string {
	inner := broken + " = var.nowhere\n"
	t := fileType()
	var heads []string
	for _, name := range path {
		t = t.block(name)
		head := name
		if t.label != "" {
			head = fmt.Sprintf("%s %q", name, label)
		}
		heads = append(heads, head)
	}
	for i := len(heads) - 1; i >= 0; i-- {
		inner = heads[i] + " {\n" + inner + "}\n"
	}
	return inner
}

// TestReference: docs/spec.md has a heading for every block, below it a row for every attribute, and no
// other row. A node's ssh block is described as what it adds to the file's.
func TestReference(t *testing.T) {
	doc := read(t, "../../docs/spec.md")
	sections := map[string][]byte{}
	for _, part := range bytes.Split(doc, []byte("\n## "))[1:] {
		head, body, _ := bytes.Cut(part, []byte("\n"))
		sections[strings.ReplaceAll(string(head), "`", "")] = body
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")
	walk(fileType(), nil, func(b *blockType, path []string) {
		name := strings.Join(path, " › ")
		want := b.attributeNames()
		switch name {
		case "node › ssh":
			want = []string{"direct"}
		case "node › ssh › bastion":
			return
		}
		body, ok := sections[name]
		if !ok {
			t.Errorf("docs/spec.md has no heading %q", name)
			return
		}
		var got []string
		for _, m := range row.FindAllSubmatch(body, -1) {
			got = append(got, string(m[1]))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("docs/spec.md: rows of %s are %v, want %v", name, got, want)
		}
	})
}

// TestFunctionsAreDocumented: docs/spec.md names every function.
func TestFunctionsAreDocumented(t *testing.T) {
	doc := string(read(t, "../../docs/spec.md"))
	for name := range newLoader("x", LoadOptions{}).functions() {
		if !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("docs/spec.md does not name the function %s", name)
		}
	}
}

// TestReferenceExamples: the fenced HCL of docs/spec.md that stands by itself loads.
func TestReferenceExamples(t *testing.T) {
	operator(t)
	fence := regexp.MustCompile("(?s)```hcl\n(.*?)```")
	loaded := 0
	for _, m := range fence.FindAllStringSubmatch(string(read(t, "../../docs/spec.md")), -1) {
		text := m[1]
		if !strings.Contains(text, "cluster \"") {
			text += "cluster \"x\" {\n kubernetes = \"1.36.3\"\n endpoint = \"10.0.0.100:6443\"\n}\n"
		}
		if !strings.Contains(text, "load_balancer") {
			text += "load_balancer \"external\" {}\n"
		}
		if !strings.Contains(text, "control-plane") {
			text += "node \"a\" {\n role = \"control-plane\"\n address = \"10.0.0.99\"\n}\n"
		}
		if _, err := Read(source(t, text), LoadOptions{NoSSH: true}); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		loaded++
	}
	if loaded < 8 {
		t.Errorf("found only %d examples", loaded)
	}
}
