//go:build linux

package node

import (
	"context"
	"slices"
	"testing"
)

// TestSparedStays: what a State spares is no orphan until the State says so no more. What images do is tested with a real containerd.
func TestSparedStays(t *testing.T) {
	inv := &inventory{Entries: []*entry{{ID: "image old"}, {ID: "image older"}, {ID: "file /etc/one"}}}
	s := state(file("/etc/one", "1"))
	s.Spared = []string{"image old"}
	ids := func(s State) (out []string) {
		for _, e := range inv.orphans(s) {
			out = append(out, e.ID)
		}
		return out
	}
	if got := ids(s); !slices.Equal(got, []string{"image older"}) {
		t.Errorf("orphans %q", got)
	}
	s.Spared = nil
	if got := ids(s); !slices.Equal(got, []string{"image older", "image old"}) {
		t.Errorf("orphans when nothing is spared: %q", got)
	}
}

// TestSettleLeavesTheRest: a machine that spared nothing is not touched, and one that was never whole is no error.
func TestSettleLeavesTheRest(t *testing.T) {
	m := newMachine(t)
	if err := m.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	converge(t, m, state(file("/etc/one", "1"), file("/etc/two", "2")))
	part := state(file("/etc/one", "3"))
	part.Part = true
	converge(t, m, part)
	if err := m.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if m.mustRead(t, "/etc/one") != "3" || !m.has("/etc/two") {
		t.Error("settling changed files")
	}
	if err := m.Restore(context.Background()); err != nil || m.mustRead(t, "/etc/one") != "1" {
		t.Errorf("what it was as a whole is forgotten: %v", err)
	}
}
