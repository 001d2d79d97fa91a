//go:build linux

package node

import (
	"context"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/layout"
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
	if !m.has(layout.Home + "/aside") {
		t.Fatal("the old executable does not lie aside")
	}
	part.Part = false
	converge(t, m, part)
	if m.has(layout.Home + "/aside") {
		t.Error("it still lies aside")
	}
}

// TestPartsAreFinished: a machine that is all that it should be, but was never converged as a whole, says so until it is.
func TestPartsAreFinished(t *testing.T) {
	m := newMachine(t)
	converge(t, m, state(file("/etc/one", "1")))
	part := state(file("/etc/one", "2"))
	part.Part = true
	converge(t, m, part)
	if changes := diff(t, m, part); len(changes) > 0 {
		t.Errorf("the part itself has nothing left: %v", changes)
	}
	whole := state(file("/etc/one", "2"))
	if changes := diff(t, m, whole); len(changes) != 1 || !strings.HasPrefix(changes[0], "update "+Unfinished) {
		t.Errorf("after the part alone: %v", changes)
	}
	converge(t, m, whole)
	if changes := diff(t, m, whole); len(changes) > 0 {
		t.Errorf("after the whole: %v", changes)
	}
	converge(t, m, part)
	if err := m.Restore(context.Background()); err != nil {
		t.Fatal(err)
	}
	if changes := diff(t, m, whole); len(changes) > 0 {
		t.Errorf("after it was put back: %v", changes)
	}
}

// TestAdjustLasts: what a machine was told of others stays when it is put back.
func TestAdjustLasts(t *testing.T) {
	m := newMachine(t)
	if err := m.Adjust(context.Background(), state(file("/etc/peers", "a"))); err != nil {
		t.Fatalf("a machine that never was whole: %v", err)
	}
	whole := state(file("/etc/own", "1"), file("/etc/peers", "a"))
	converge(t, m, whole)
	if err := m.Adjust(context.Background(), state(file("/etc/peers", "a b"), file("/etc/more", "m"))); err != nil {
		t.Fatal(err)
	}
	adjusted := state(file("/etc/own", "1"), file("/etc/peers", "a b"), file("/etc/more", "m"))
	if changes := diff(t, m, adjusted); len(changes) > 0 {
		t.Errorf("adjusted: %v", changes)
	}
	part := state(file("/etc/own", "2"))
	part.Part = true
	converge(t, m, part)
	if err := m.Restore(context.Background()); err != nil {
		t.Fatal(err)
	}
	if changes := diff(t, m, adjusted); len(changes) > 0 {
		t.Errorf("put back: %v", changes)
	}
}
