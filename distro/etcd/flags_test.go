package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	_ "unsafe" // for go:linkname

	"go.etcd.io/etcd/pkg/v3/featuregate"
	etcdflags "go.etcd.io/etcd/pkg/v3/flags"
	"go.etcd.io/etcd/server/v3/embed"
)

var update = flag.Bool("update", false, "write the table anew")

// Upstream exports neither the server's whole flag set nor its words about old flags.
//
//go:linkname newConfig go.etcd.io/etcd/server/v3/etcdmain.newConfig
func newConfig() *config

//go:linkname deprecatedFlags go.etcd.io/etcd/server/v3/etcdmain.deprecatedFlags
var deprecatedFlags map[string]string

// config is the beginning of upstream's.
// https://github.com/etcd-io/etcd/blob/v3.6.16/server/etcdmain/config.go
type config struct {
	embedded embed.Config
	flags    *flag.FlagSet
}

// TestTable: the flags and feature gates by which plans are checked are those of the etcd that is compiled here.
func TestTable(t *testing.T) {
	const path = "../../internal/flags/etcd.json"
	flags, gates := map[string]string{}, map[string]string{}
	c := newConfig()
	c.flags.VisitAll(func(f *flag.Flag) {
		_, ignored := f.Value.(*etcdflags.IgnoredFlag)
		switch {
		case ignored: // in upstream's words
			flags[f.Name] = "flag is no longer supported - ignoring"
		case deprecatedFlags[f.Name] != "":
			flags[f.Name] = deprecatedFlags[f.Name]
		case strings.Contains(strings.ToLower(f.Usage), "deprecated"):
			flags[f.Name] = strings.Join(strings.Fields(f.Usage), " ")
		default:
			flags[f.Name] = ""
		}
	})
	for name, gate := range c.embedded.ServerFeatureGate.(featuregate.MutableFeatureGate).GetAll() {
		gates[string(name)] = stage(string(gate.PreRelease), gate.Default, gate.LockToDefault)
	}
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(map[string]any{
		"version": version(t, "go.etcd.io/etcd/server/v3"), "programs": map[string]any{"etcd": flags}, "gates": gates,
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s is not what this etcd says: go test -run TestTable . -update writes it anew; then read what has changed", path)
	}
}

// stage is a gate's as the table has it.
func stage(stage string, on, locked bool) string {
	if stage == "" {
		stage = "GA"
	}
	text := stage + map[bool]string{true: " on", false: " off"}[on]
	if locked {
		text += " locked"
	}
	return text
}

// version is that of a module in this program, without v.
func version(t *testing.T, module string) string {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("this test does not know what it was built from")
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	t.Fatalf("this test was built without %s", module)
	return ""
}
