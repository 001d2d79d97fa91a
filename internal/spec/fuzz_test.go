package spec

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzLoad: no file makes the loader panic; two loads of one file agree in everything; what is
// accepted keeps the promises of Cluster.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*.hcl", "../../examples/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in %s: %v", pattern, err)
		}
		for _, file := range files {
			f.Add(read(f, file))
		}
	}
	home := operator(f)
	dir := f.TempDir()
	write(f, filepath.Join(dir, "known_hosts"), read(f, filepath.Join(home, ".ssh/known_hosts")), 0o644)
	write(f, filepath.Join(dir, "sudo-password"), []byte("x\n"), 0o600)
	write(f, filepath.Join(dir, "s3-credentials"), []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), 0o600)
	path := filepath.Join(dir, "cluster.hcl")
	f.Fuzz(func(t *testing.T, src []byte) {
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		first, err := Read(path, LoadOptions{})
		second, again := Read(path, LoadOptions{})
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("two loads differ:\n%+v\n%+v", first, second)
		}
		if (err == nil) != (first != nil) || (again == nil) != (err == nil) {
			t.Fatalf("cluster %v with errors %v and %v", first, err, again)
		}
		if err != nil {
			checkError(t, err, again)
			return
		}
		checkCluster(t, first)
	})
}

func checkError(t *testing.T, err, again error) {
	if err.Error() != again.Error() {
		t.Fatalf("two loads differ:\n%v\n%v", err, again)
	}
	var e *Error
	if !errors.As(err, &e) || len(e.Diags) == 0 {
		t.Fatalf("not an *Error: %#v", err)
	}
	for _, d := range e.Diags {
		if d.Subject == nil || d.Summary == "" || d.Detail == "" {
			t.Fatalf("incomplete diagnostic: %+v", d)
		}
	}
	if _, err := json.Marshal(e); err != nil {
		t.Fatal(err)
	}
}

func checkCluster(t *testing.T, c *Cluster) {
	if n := len(c.ControlPlanes()); n%2 == 0 {
		t.Fatalf("%d control planes", n)
	}
	if c.Name == "" || c.Kubernetes == "" || !filepath.IsAbs(c.StateDir) || !c.Network.Pods.IsValid() || !c.Network.Services.IsValid() {
		t.Fatalf("incomplete: %+v", c)
	}
	if c.LoadBalancer.Kind != NodeLocal && c.Endpoint.Port() == 0 {
		t.Fatalf("no endpoint: %+v", c)
	}
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, n := range c.Nodes {
		if names[n.Name] || addresses[n.Address.String()] || !validNodeName(n.Name) || !n.Address.IsValid() || n.Role == "" {
			t.Fatalf("bad node: %+v", n)
		}
		if c.Network.Pods.Contains(n.Address) || c.Network.Services.Contains(n.Address) || n.SSH.KnownHosts == "" || n.SSH.User == "" {
			t.Fatalf("bad node: %+v", n)
		}
		names[n.Name], addresses[n.Address.String()] = true, true
	}
}
