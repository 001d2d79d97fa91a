package spec

import (
	"os"
	"path/filepath"
	"testing"
)

// TestGrowing: between two joins a cluster has an even number of control planes; a file never.
func TestGrowing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.hcl")
	text := `cluster "c" {
  kubernetes = "1.36.3"
  endpoint   = "10.0.0.100:6443"
}
load_balancer "vip" {}
node "cp-1" {
  role    = "control-plane"
  address = "10.0.0.11"
}
node "cp-2" {
  role    = "control-plane"
  address = "10.0.0.12"
}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, LoadOptions{NoSSH: true}); err == nil {
		t.Error("two control planes were taken")
	}
	if c, err := Read(path, LoadOptions{NoSSH: true, Growing: true}); err != nil || len(c.ControlPlanes()) != 2 {
		t.Errorf("growing: %v", err)
	}
}

// TestPast: what an archive declares may be of a version that is not made any more, and is read as one that is; a file never.
func TestPast(t *testing.T) {
	text := []byte("cluster \"c\" {\n  kubernetes = \"1.36.2\"\n}\nnode \"cp-1\" {\n  role    = \"control-plane\"\n  address = \"10.0.0.11\"\n}\n")
	for name, c := range map[string]struct {
		opts LoadOptions
		want string
	}{
		"a file":             {LoadOptions{NoSSH: true, Text: text}, ""},
		"with another":       {LoadOptions{NoSSH: true, Text: text, Kubernetes: "1.36.3"}, ""},
		"of the past":        {LoadOptions{NoSSH: true, Text: text, Past: true}, ""},
		"of the past, as of": {LoadOptions{NoSSH: true, Text: text, Past: true, Kubernetes: "1.36.3"}, "1.36.3"},
	} {
		got, err := Read("c.hcl", c.opts)
		if (err == nil) != (c.want != "") || err == nil && got.Kubernetes != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
