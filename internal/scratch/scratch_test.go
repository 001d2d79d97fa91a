package scratch

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyWhatNobodyHoldsIsSwept(t *testing.T) {
	parent := t.TempDir()
	held, err := New(parent, ".x-")
	if err != nil {
		t.Fatal(err)
	}
	dead, err := New(parent, ".x-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dead.Path("secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Unlock(); err != nil { // as the kernel does for a process that was killed
		t.Fatal(err)
	}
	for _, other := range []string{".x-of-somebody", ".y-1"} {
		if err := os.Mkdir(filepath.Join(parent, other), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	next, err := New(parent, ".x-")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{held.path: true, dead.path: false, next.path: true, filepath.Join(parent, ".x-of-somebody"): true, filepath.Join(parent, ".y-1"): true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
	if err := next.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(next.path); !os.IsNotExist(err) {
		t.Error(err)
	}
}
