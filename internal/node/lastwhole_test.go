//go:build linux

package node

import (
	"context"
	"strings"
	"testing"
)

// TestRestoreGoesBackToTheWhole: files, and executables whose blobs are long gone.
func TestRestoreGoesBackToTheWhole(t *testing.T) {
	m := newMachine(t)
	if err := m.Restore(context.Background()); err == nil || !strings.Contains(err.Error(), "last.json") {
		t.Fatalf("a machine that never was whole: %v", err)
	}
	converge(t, m, state(file("/etc/one", "1"), m.send(t, "/usr/local/bin/tool", "old"), file("/etc/gone", "g")))
	part := state(file("/etc/one", "2"), m.send(t, "/usr/local/bin/tool", "new"), file("/etc/added", "a"))
	part.Part = true
	converge(t, m, part)
	if got := m.mustRead(t, "/usr/local/bin/tool"); got != "new" {
		t.Fatalf("the part's executable is %q", got)
	}
	for range 2 { // the second finds nothing to do
		if err := m.Restore(context.Background()); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{"/etc/one": "1", "/usr/local/bin/tool": "old", "/etc/gone": "g"} {
			if got := m.mustRead(t, path); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		if m.has("/etc/added") {
			t.Error("what the part added is still there")
		}
	}
}

// TestWholeForgetsWhatLiesAside: there is nothing to go back to any more, and it takes room.
func TestWholeForgetsWhatLiesAside(t *testing.T) {
	m := newMachine(t)
	converge(t, m, state(m.send(t, "/usr/local/bin/tool", "old")))
	part := state(m.send(t, "/usr/local/bin/tool", "new"))
	part.Part = true
	converge(t, m, part)
	if !m.has(Home + "/aside") {
		t.Fatal("the old executable does not lie aside")
	}
	part.Part = false
	converge(t, m, part)
	if m.has(Home + "/aside") {
		t.Error("it still lies aside")
	}
}
