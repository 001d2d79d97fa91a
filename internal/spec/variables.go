package spec

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is one declared variable.
type variable struct {
	name     string
	defRange hcl.Range
	typ      cty.Type
	defaults *typeexpr.Defaults
	value    cty.Value // NilVal until there is one
	from     hcl.Range // where value stands
}

// text reports whether a value from the command line or the environment is taken as it stands
// rather than as an expression.
func (v *variable) text() bool { return v.typ == cty.String || v.typ == cty.DynamicPseudoType }

// readVariables gives every declared variable its value: default, environment, files, command line,
// the later winning.
func (l *loader) readVariables(file *block) {
	l.vars = map[string]cty.Value{}
	vars := map[string]*variable{}
	for _, b := range file.all("variable") {
		if v := l.declare(b, vars); v != nil {
			vars[v.name] = v
		}
	}
	names := slices.Sorted(maps.Keys(vars))
	for _, name := range names {
		if text, set := os.LookupEnv("SLIPWAY_VAR_" + name); set {
			l.inputs.add("env", name, []byte(text))
			l.assignText(vars[name], "SLIPWAY_VAR_"+name, text)
		}
	}
	for _, path := range l.opts.VarFiles {
		l.readVarFile(path, vars)
	}
	for _, name := range slices.Sorted(maps.Keys(l.opts.Vars)) {
		text := l.opts.Vars[name]
		l.inputs.add("var", name, []byte(text))
		if v := vars[name]; v != nil {
			l.assignText(v, "--var "+name, text)
			continue
		}
		src := name + "=" + text
		l.addFile("--var "+name, &hcl.File{Bytes: []byte(src)})
		at := hcl.Range{Filename: "--var " + name, Start: hcl.InitialPos, End: hcl.Pos{Line: 1, Column: len(name) + 1, Byte: len(name)}}
		l.undeclared(at, name, names)
	}
	for _, name := range names {
		l.vars[name] = l.settle(vars[name])
	}
}

func (l *loader) undeclared(at hcl.Range, name string, names []string) {
	l.errorf(at, fmt.Sprintf("Unknown variable %q", name),
		"The cluster file declares no variable of that name.%s Declare it there (variable %q { … }) or leave the value out.",
		suggest(name, names), name)
}

// declare reads a variable block; nil when it is not one that can have a value.
func (l *loader) declare(b *block, before map[string]*variable) *variable {
	if b.unlabelled() {
		return nil
	}
	if !hclsyntax.ValidIdentifier(b.label) {
		l.errorf(b.labelRange, fmt.Sprintf("Bad variable name %q", b.label),
			"A variable's name is made of letters, digits, - and _, and begins with a letter, so that var.NAME can be written.")
		return nil
	}
	if other, twice := before[b.label]; twice {
		l.errorf(b.labelRange, fmt.Sprintf("Second variable %q", b.label),
			"It is declared on line %d already. Rename or remove one of the two.", other.defRange.Start.Line)
		return nil
	}
	v := &variable{name: b.label, defRange: b.defRange, typ: cty.DynamicPseudoType}
	if a := b.attrs["type"]; a != nil {
		typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
		l.diags = append(l.diags, diags...)
		if diags.HasErrors() {
			v.value = cty.DynamicVal // reported, so whatever rests on it stays silent
		}
		v.typ, v.defaults = typ, defaults
	}
	l.section(b, scope{ctx: &hcl.EvalContext{}, static: true}).str("description")
	if a := b.attrs["default"]; a != nil {
		l.assign(v, a.Expr)
	}
	return v
}

// assign evaluates a default or a value from a file: fixed values, with functions but no references.
func (l *loader) assign(v *variable, expr hcl.Expression) {
	val, ok := l.eval(expr, scope{ctx: &hcl.EvalContext{Functions: l.functions()}, static: true})
	if !ok {
		val = cty.DynamicVal
	}
	v.value, v.from = val, expr.Range()
}

// assignText takes a value given outside of any file: as it stands for a text, else as an expression.
func (l *loader) assignText(v *variable, source, text string) {
	src := []byte(text)
	l.addFile(source, &hcl.File{Bytes: src})
	if v.text() {
		end := hcl.Pos{Line: 1, Column: len(text) + 1, Byte: len(text)}
		v.value, v.from = cty.StringVal(text), hcl.Range{Filename: source, Start: hcl.InitialPos, End: end}
		return
	}
	if len(src) > maxFile {
		l.errorf(hcl.Range{Filename: source, Start: hcl.InitialPos, End: hcl.InitialPos}, "Value too long", "Put values of this size into a file and name it with --var-file.")
		v.value = cty.DynamicVal
		return
	}
	if l.nested(src, source) {
		v.value = cty.DynamicVal
		return
	}
	expr, diags := hclsyntax.ParseExpression(src, source, hcl.InitialPos)
	if diags.HasErrors() {
		l.diags = append(l.diags, diags...)
		v.value = cty.DynamicVal
		return
	}
	l.assign(v, expr)
}

func (l *loader) readVarFile(path string, vars map[string]*variable) {
	src, ok := l.readSource(path, "Variables file")
	if !ok {
		return
	}
	l.addFile(path, &hcl.File{Bytes: src})
	if l.nested(src, path) {
		return
	}
	var f *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(path, ".json") {
		f, diags = hcljson.Parse(src, path)
	} else {
		f, diags = hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	}
	l.addFile(path, &hcl.File{Bytes: src, Nav: nav(f)})
	if !diags.HasErrors() {
		var attrs hcl.Attributes
		attrs, diags = f.Body.JustAttributes()
		if !diags.HasErrors() {
			l.assignAll(attrs, vars)
		}
	}
	l.diags = append(l.diags, diags...)
}

func (l *loader) assignAll(attrs hcl.Attributes, vars map[string]*variable) {
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if v := vars[name]; v != nil {
			l.assign(v, attrs[name].Expr)
			continue
		}
		l.undeclared(attrs[name].NameRange, name, slices.Sorted(maps.Keys(vars)))
	}
}

// settle converts a variable's value to its declared type.
func (l *loader) settle(v *variable) cty.Value {
	if v.value == cty.NilVal {
		l.errorf(v.defRange, fmt.Sprintf("Variable %q has no value", v.name),
			"It has no default. Give one: --var %s=…, --var-file, or SLIPWAY_VAR_%s in the environment.", v.name, v.name)
		return cty.DynamicVal
	}
	if !v.value.IsWhollyKnown() {
		return cty.DynamicVal
	}
	val := v.value
	if v.defaults != nil && !val.IsNull() {
		val = v.defaults.Apply(val)
	}
	val, err := convert.Convert(val, v.typ)
	if err != nil {
		l.errorf(v.from, fmt.Sprintf("Wrong type for variable %q", v.name), "It is declared as %s: %s.", typeexpr.TypeString(v.typ), err)
		return cty.DynamicVal
	}
	return val
}
