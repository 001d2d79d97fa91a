package spec

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const sized = `
variable "version" { default = "1.36.3" }
variable "nodes" {
  type    = map(object({ host = number, zone = optional(string, "z") }))
  default = { a = { host = 1 } }
}
locals {
  last  = local.first + 1 # declared before what it rests on
  first = 11
}
cluster "prod" {
  kubernetes = var.version
}
node "cp" {
  role    = "control-plane"
  address = "10.0.0.${local.last}"
}
node "w" {
  for_each = var.nodes
  role     = "worker"
  address  = cidrhost("10.0.1.0/24", each.value.host)
  labels   = { zone = each.value.zone }
}
`

// TestPrecedence: default, then environment, then files in their order, then the command line.
func TestPrecedence(t *testing.T) {
	operator(t)
	path := source(t, sized)
	hclFile := filepath.Join(t.TempDir(), "a.hcl")
	write(t, hclFile, []byte("version = \"1.35.4\"\nnodes = { x = { host = 7, zone = \"q\" }, y = { host = 8 } }\n"), 0o644)
	jsonFile := filepath.Join(t.TempDir(), "b.json")
	write(t, jsonFile, []byte(`{"nodes": {"j": {"host": 9}}}`), 0o644)

	check := func(opts LoadOptions, version, nodes string) {
		t.Helper()
		c := load(t, path, opts)
		var got []string
		for _, n := range c.Workers() {
			got = append(got, n.Name+"="+n.Address.String()+"/"+n.Labels["zone"])
		}
		if c.Kubernetes != version || strings.Join(got, " ") != nodes {
			t.Errorf("%s, %s; want %s, %s", c.Kubernetes, strings.Join(got, " "), version, nodes)
		}
	}
	check(LoadOptions{}, "1.36.3", "w-a=10.0.1.1/z")
	t.Setenv("SLIPWAY_VAR_version", "1.34.4")
	check(LoadOptions{}, "1.34.4", "w-a=10.0.1.1/z")
	check(LoadOptions{VarFiles: []string{hclFile}}, "1.35.4", "w-x=10.0.1.7/q w-y=10.0.1.8/z")
	check(LoadOptions{VarFiles: []string{hclFile, jsonFile}}, "1.35.4", "w-j=10.0.1.9/z")
	check(LoadOptions{VarFiles: []string{hclFile}, Vars: map[string]string{"version": "1.36.3", "nodes": "{}"}}, "1.36.3", "")
}

func TestBadValues(t *testing.T) {
	operator(t)
	path := source(t, sized)
	refused(t, path, LoadOptions{Vars: map[string]string{"verson": "1"}}, "on --var verson line 1", `Did you mean "version"?`, "verson=1")
	refused(t, path, LoadOptions{Vars: map[string]string{"nodes": "{ a = "}}, "on --var nodes line 1")
	refused(t, path, LoadOptions{Vars: map[string]string{"nodes": "[1]"}}, `Wrong type for variable "nodes"`)
	refused(t, path, LoadOptions{Vars: map[string]string{"nodes": "local.first"}}, "Reference in a fixed value")
	t.Setenv("SLIPWAY_VAR_nodes", "3")
	refused(t, path, LoadOptions{}, "on SLIPWAY_VAR_nodes line 1")
	file := filepath.Join(t.TempDir(), "a.hcl")
	write(t, file, []byte("vesion = \"1.35.4\"\nblock {}\n"), 0o644)
	refused(t, path, LoadOptions{VarFiles: []string{file}}, file+" line 2")
	write(t, file, []byte("vesion = \"1.35.4\"\n"), 0o644)
	refused(t, path, LoadOptions{VarFiles: []string{file}}, file+" line 1", `Did you mean "version"?`)
	refused(t, path, LoadOptions{VarFiles: []string{"nowhere.hcl"}}, "Variables file not readable")
}

// TestDigest: the same inputs give the same digest wherever they lie; any other input another one.
func TestDigest(t *testing.T) {
	operator(t)
	text := sized + `
locals {
  note   = file("note")
  extra  = fileexists("extra")
}`
	path := source(t, text)
	note := filepath.Join(filepath.Dir(path), "note")
	write(t, note, []byte("a"), 0o644)
	seen := map[string]string{}
	fresh := func(what string, opts LoadOptions) string {
		t.Helper()
		d := load(t, path, opts).Digest()
		if before, twice := seen[d]; twice {
			t.Errorf("%s has the digest of %s", what, before)
		}
		if !strings.HasPrefix(d, "sha256:") || len(d) != 71 {
			t.Errorf("%s: digest %q", what, d)
		}
		seen[d] = what
		return d
	}
	first := fresh("the file", LoadOptions{})
	if again := load(t, path, LoadOptions{}).Digest(); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	elsewhere := source(t, text)
	write(t, filepath.Join(filepath.Dir(elsewhere), "note"), []byte("a"), 0o644)
	if got := load(t, elsewhere, LoadOptions{}).Digest(); got != first {
		t.Errorf("%s elsewhere, %s here", got, first)
	}
	fresh("a variable", LoadOptions{Vars: map[string]string{"version": "1.35.4"}})
	write(t, note, []byte("b"), 0o644)
	fresh("another note", LoadOptions{})
	write(t, filepath.Join(filepath.Dir(path), "extra"), nil, 0o644)
	fresh("a file that now exists", LoadOptions{})
	t.Setenv("SLIPWAY_VAR_version", "1.34.4")
	fresh("the environment", LoadOptions{})
	write(t, path, []byte(text+"\n"), 0o644)
	fresh("a newline", LoadOptions{})
}

func TestJSON(t *testing.T) {
	operator(t)
	path := source(t, strings.Replace(one, "1.36.3", "1.2.3", 1)+`ssh { password = "hunter2" }`)
	_, err := Read(path, LoadOptions{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%#v", err)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Diagnostics []jsonDiagnostic }
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "hunter2") || len(got.Diagnostics) != 2 {
		t.Fatalf("%s", raw)
	}
	d := got.Diagnostics[0]
	if d.Severity != "error" || d.Range.Filename != path || d.Range.Start.Line != 3 || !strings.Contains(d.Snippet, `kubernetes = "1.2.3"`) {
		t.Errorf("%s", raw)
	}
}

func TestColorAndWidth(t *testing.T) {
	operator(t)
	_, err := Read(source(t, strings.Replace(one, "1.36.3", "1.2.3", 1)), LoadOptions{})
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%#v", err)
	}
	var plain, color strings.Builder
	if err := errors.Join(e.Format(&plain, 0, false), e.Format(&color, 40, true)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(plain.String(), `"1.34.4", "1.35.4" or "1.36.3", and this is "1.2.3".`) {
		t.Errorf("%q", plain.String())
	}
	if !strings.Contains(color.String(), "\x1b[31mError\x1b[0m") {
		t.Errorf("%q", color.String())
	}
}

// TestSecretsStayHidden: a snippet never shows what is assigned to a secret's name, even where the file does not parse.
func TestSecretsStayHidden(t *testing.T) {
	operator(t)
	for _, text := range []string{
		one + `ssh { sudo_password = "hunter2" }`,
		one + `ssh { sudo_password = "hunter2`,
		one + `ssh { user = "a" sudo_password = "hunter2" }`,
		one + `ssh { user = 3 ; "Password": hunter2 }`,
		one + `locals { api_token = "hunter2" + 1 }`,
		one + "ssh {\n private_key = \"-----BEGIN PRIVATE KEY-----\\nhunter2\\n-----END PRIVATE KEY-----\\n\"\n}",
		one + "ssh {\n private_key = \"-----BEGIN PRIVATE KEY-----\\nhunter2",
	} {
		_, err := Read(source(t, text), LoadOptions{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s\n%v", text, err)
		}
	}
	_, err := Read(source(t, one), LoadOptions{Vars: map[string]string{"db_password": "hunter2"}})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
