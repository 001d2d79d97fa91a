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
