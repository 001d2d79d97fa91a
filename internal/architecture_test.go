// Package internal_test holds the rules that no single package can hold itself.
package internal_test

import (
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/slipway/slipway"

// row is one package and those of this module that it may import.
type row struct {
	name string
	may  string
}

// table is that of docs/architecture.md. Imports go one way: a package imports only from rows above its own.
func table() []row {
	return []row{
		{"internal/event", ""},
		{"internal/blob", ""},
		{"internal/status", ""},
		{"internal/flags", ""},
		{"internal/layout", ""},
		{"internal/spec", ""},
		{"internal/host", ""},
		{"internal/host/hosttest", "internal/host"},
		{"internal/etcd", ""},
		{"internal/archive", "internal/etcd"},
		{"internal/scratch", ""},
		{"internal/store", "internal/scratch"},
		{"internal/store/storetest", "internal/store"},
		{"internal/kube", ""},
		{"internal/kubeadm", "internal/kube internal/layout internal/spec"},
		{"templates", ""},
		{"internal/check", "internal/event"},
		{"internal/lab", "internal/event"},
		{"internal/drill", "internal/event"},
		{"internal/load", "internal/drill"},
		{"internal/node", "internal/blob internal/event internal/layout"},
		{"internal/plan", "internal/node"},
		{"internal/preflight", "internal/layout internal/node internal/spec"},
		{"internal/bundle", "internal/blob internal/event internal/node"},
		{"internal/bundle/bundletest", "internal/blob internal/bundle internal/node"},
		{"pki", "internal/layout internal/spec"},
		{"internal/statedir", "internal/spec pki"},
		{"internal/backup", "internal/archive internal/etcd internal/layout internal/scratch internal/store pki"},
		{"internal/proof", "internal/archive internal/bundle internal/check internal/etcd internal/event internal/scratch internal/spec pki"},
		{"internal/agent", "internal/bundle internal/event internal/host internal/layout internal/node"},
		{"components", "internal/archive internal/backup internal/layout internal/node internal/spec internal/store pki templates"},
		{"bootstrap", "components internal/agent internal/archive internal/backup internal/bundle internal/check internal/drill internal/etcd internal/event internal/flags internal/host internal/kube internal/kubeadm internal/layout internal/load " +
			"internal/node internal/plan internal/preflight internal/scratch internal/spec internal/statedir internal/status internal/store pki"},
		{"internal/ui", "internal/drill internal/event internal/node internal/plan internal/status"},
		{"cmd/slipway", "bootstrap internal/archive internal/backup internal/bundle internal/drill internal/event internal/host internal/kubeadm internal/lab internal/layout internal/node internal/plan internal/proof internal/scratch internal/spec internal/status internal/store internal/ui"},
	}
}

// found are this module's packages with their imports, as built for each system that Slipway runs on.
func found(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir("..", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(dir), "../")
		switch {
		case dir == "..":
			return nil
		case strings.HasPrefix(d.Name(), "."), d.Name() == "testdata", name == "distro", name == "build", name == "bin", name == "test":
			return fs.SkipDir // nested modules, products, and tests of everything
		}
		for _, system := range []string{"linux", "darwin"} {
			context := build.Default
			context.GOOS, context.CgoEnabled = system, false
			p, err := context.ImportDir(dir, 0)
			if len(p.GoFiles) == 0 {
				continue
			}
			if err != nil {
				return err
			}
			out[name] = append(out[name], p.Imports...)
		}
		if imports, ok := out[name]; ok {
			slices.Sort(imports)
			out[name] = slices.Compact(imports)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportsGoOneWay(t *testing.T) {
	above, packages := map[string]bool{}, found(t)
	for _, r := range table() {
		imports, there := packages[r.name]
		if !there {
			t.Errorf("%s is in the table and not in the tree", r.name)
		}
		delete(packages, r.name)
		allowed := strings.Fields(r.may)
		for _, name := range allowed {
			if !above[name] {
				t.Errorf("the table lets %s import %s, which is not above it", r.name, name)
			}
		}
		used := map[string]bool{}
		for _, imported := range imports {
			name, ours := strings.CutPrefix(imported, module+"/")
			if ours && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s: the table lets it import %q", r.name, name, r.may)
			}
			used[name] = true
		}
		for _, name := range allowed {
			if !used[name] {
				t.Errorf("%s does not import %s any more: take it out of the table", r.name, name)
			}
		}
		above[r.name] = true
	}
	for name := range packages {
		t.Errorf("%s is not in the table: say where it stands", name)
	}
}

// TestTheManualSaysTheSame holds the table that people read to the one that is enforced.
func TestTheManualSaysTheSame(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	full := map[string]string{"–": ""}
	for _, r := range table() {
		full[path.Base(r.name)] = r.name
	}
	rows := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) == 5 {
			rows[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[3])
		}
	}
	for _, r := range table() {
		cell, there := rows[r.name]
		switch {
		case path.Base(path.Dir(r.name)) != "internal" && strings.HasPrefix(r.name, "internal/"):
			continue // told of with the package that it tests
		case !there:
			t.Errorf("docs/architecture.md has no row for %s", r.name)
			continue
		case strings.Contains(cell, "all above") || strings.Contains(cell, "…"):
			continue // in words
		}
		var said []string
		for _, name := range strings.Split(cell, ",") {
			if name = full[strings.TrimSpace(name)]; name != "" {
				said = append(said, name)
			}
		}
		slices.Sort(said)
		if !slices.Equal(said, strings.Fields(r.may)) {
			t.Errorf("docs/architecture.md lets %s import %q, the test %q", r.name, said, r.may)
		}
	}
}

// TestOnePackageKnows: what only one package may know of the outside, so that it can be exchanged there.
func TestOnePackageKnows(t *testing.T) {
	for prefix, where := range map[string][]string{
		"github.com/hashicorp/hcl":         {"internal/spec"},
		"github.com/zclconf/go-cty":        {"internal/spec"},
		"github.com/cloudflare/cfssl":      {"pki"},
		"filippo.io/age":                   {"internal/archive", "internal/spec"},
		"golang.org/x/crypto/ssh":          {"internal/archive", "internal/host", "internal/host/hosttest", "internal/lab", "internal/spec"},
		"go.etcd.io/etcd":                  {"internal/etcd"},
		"github.com/minio/minio-go":        {"internal/store", "internal/store/storetest"},
		"github.com/containerd/containerd": {"internal/node"},
		"github.com/spf13/cobra":           {"cmd/slipway"},
		"testing":                          {"internal/host/hosttest", "internal/bundle/bundletest", "internal/store/storetest"},
	} {
		users := map[string]bool{}
		for name, imports := range found(t) {
			for _, imported := range imports {
				if imported == prefix || strings.HasPrefix(imported, prefix+"/") {
					users[name] = true
					if !slices.Contains(where, name) {
						t.Errorf("%s imports %s, which is the business of %s", name, imported, strings.Join(where, " and "))
					}
				}
			}
		}
		for _, name := range where {
			if !users[name] {
				t.Errorf("%s does not import %s any more: this rule watches nothing there", name, prefix)
			}
		}
	}
}
