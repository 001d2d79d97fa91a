package bootstrap

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/bundle/bundletest"
	"github.com/slipway/slipway/internal/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// beginning is one that asks nothing of the machine that the test runs on.
func beginning(t *testing.T) Beginning {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.bundle")
	bundletest.Write(t, path, "1.35.4", "one")
	return Beginning{Bundle: path, Node: "cp-1", Address: netip.MustParseAddr("10.0.0.11")}
}

// TestBeginningFiles: what flags make of a cluster, as the file that the machine keeps.
func TestBeginningFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.hcl")
	text := "variable \"v\" { default = \"1.36.3\" }\ncluster \"own\" {\n  kubernetes = var.v\n}\nnode \"a\" {\n  role = \"control-plane\"\n  address = \"10.0.0.1\"\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Beginning){
		"plain":  func(*Beginning) {},
		"single": func(b *Beginning) { b.Single = true },
		"vip":    func(b *Beginning) { b.Endpoint = "10.0.0.100" },
		"node-local": func(b *Beginning) {
			b.LoadBalancer = spec.NodeLocal
			b.Name, b.Kubernetes = "prod", "1.36.3"
		},
		"external": func(b *Beginning) { b.LoadBalancer, b.Endpoint = spec.External, "api.example.com:443" },
		"ranges": func(b *Beginning) {
			b.Pods, b.Services, b.Proxy = netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/16"), "iptables"
			b.ExtraSANs = []string{"api.example.com", "192.0.2.1"}
		},
		"file": func(b *Beginning) { *b = Beginning{File: file} },
	} {
		t.Run(name, func(t *testing.T) {
			b, home := beginning(t), t.TempDir()
			change(&b)
			c, err := b.keep(home)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(home, "cluster", "cluster.hcl"))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "begin", name+".hcl")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
			if c.StateDir != filepath.Join(home, "cluster", "state") || c.Bundle != b.Bundle || len(c.Nodes) != 1 {
				t.Errorf("state %s, bundle %s, nodes %v", c.StateDir, c.Bundle, c.Nodes)
			}
			// Begun again, it is the same; also by the file that is kept, as errors tell people to.
			if err := os.WriteFile(filepath.Join(home, "inventory.json"), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(c.StateDir, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, same := range []Beginning{b, {File: c.File, Bundle: b.Bundle}} {
				if _, err := same.keep(home); err != nil {
					t.Errorf("begun again with file %q: %v", same.File, err)
				}
			}
			if info, err := os.Stat(filepath.Join(home, "cluster")); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
		})
	}
}

// TestBeginningRefused: what is wrong is named by flag or as the file that the flags make, and nothing is kept.
func TestBeginningRefused(t *testing.T) {
	two := filepath.Join(t.TempDir(), "two.hcl")
	text := "cluster \"own\" { kubernetes = \"1.36.3\" }\nnode \"a\" {\n  role = \"control-plane\"\n  address = \"10.0.0.1\"\n}\nnode \"b\" {\n  role = \"worker\"\n  address = \"10.0.0.2\"\n}\n"
	if err := os.WriteFile(two, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Beginning){
		"--endpoint: \"10.0.0.100:0\" is no endpoint": func(b *Beginning) { b.Endpoint = "10.0.0.100:0" },
		"on flags line":                               func(b *Beginning) { b.Node = "A_b" },
		"The endpoint is a node":                      func(b *Beginning) { b.Endpoint = "10.0.0.11:6443" },
		"Missing endpoint":                            func(b *Beginning) { b.LoadBalancer = spec.VIP },
		"Unknown proxy":                               func(b *Beginning) { b.Proxy = "ebpf" },
		"Not one control plane":                       func(b *Beginning) { b.File = two },
		"nope.hcl: no such file":                      func(b *Beginning) { b.File = "nope.hcl" },
		"open bundle: open nope.bundle: no such file": func(b *Beginning) { b.Bundle = "nope.bundle" },
		"Ranges overlap":                              func(b *Beginning) { b.Pods = netip.MustParsePrefix("10.96.0.0/15") },
	} {
		b, home := beginning(t), t.TempDir()
		change(&b)
		if _, err := b.keep(home); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
		if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left behind: %v", want, left, err)
		}
	}
}

// TestBegunAlready: once a step was taken, other settings are refused; before that they take the place of the first.
func TestBegunAlready(t *testing.T) {
	home := t.TempDir()
	file, state := filepath.Join(home, "cluster", "cluster.hcl"), filepath.Join(home, "cluster", "state")
	first, second := beginning(t), beginning(t)
	second.Endpoint = "10.0.0.100"
	begin := func(b Beginning) (string, error) {
		_, err := b.keep(home)
		text, readErr := os.ReadFile(file)
		if readErr != nil {
			t.Fatal(readErr)
		}
		return string(text), err
	}
	if _, err := begin(first); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(state, 0o700); err != nil { // keys of a cluster that never was
		t.Fatal(err)
	}
	text, err := begin(second)
	if err != nil || !strings.Contains(text, "10.0.0.100") {
		t.Fatalf("nothing had come of the first: %v\n%s", err, text)
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("the first one's keys are kept")
	}

	if err := errors.Join(os.Mkdir(state, 0o700), os.WriteFile(filepath.Join(home, "inventory.json"), []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := begin(second); err != nil {
		t.Errorf("the same again: %v", err)
	}
	var exists *ExistsError
	now, err := begin(first)
	if !errors.As(err, &exists) || exists.Path != file || !strings.Contains(exists.Remedy(), "init -f "+file) || !strings.Contains(exists.Remedy(), "slipway reset") {
		t.Errorf("%v", err)
	}
	if now != text {
		t.Errorf("what was begun has changed:\n%s", now)
	}

	if err := os.Remove(state); err != nil { // as on a worker
		t.Fatal(err)
	}
	if _, err := begin(second); !errors.As(err, &exists) || exists.Path != "" || !strings.Contains(exists.Remedy(), "slipway reset") {
		t.Errorf("%v", err)
	}
}
