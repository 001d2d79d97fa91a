//go:build linux

package node

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSyncTime: it is measured where etcd's data will be, within little more than a second, and nothing is left of it.
func TestSyncTime(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	took, err := Machine{Root: root}.syncTime()
	if err != nil || took <= 0 || took > time.Minute {
		t.Fatalf("%v, %v", took, err)
	}
	if spent := time.Since(began); spent > syncWithin+time.Duration(syncLeast+1)*took+time.Second {
		t.Errorf("it took %s", spent)
	}
	left, err := os.ReadDir(filepath.Join(root, "var/lib"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
