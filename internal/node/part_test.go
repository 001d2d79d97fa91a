//go:build linux

package node

import "testing"

// TestAPartLeavesTheRest: what is not in it is neither taken away nor forgotten.
func TestAPartLeavesTheRest(t *testing.T) {
	m := newMachine(t)
	whole := state(file("/etc/one", "1"), file("/etc/two", "2"))
	converge(t, m, whole)
	part := state(file("/etc/two", "new"))
	part.Part = true
	converge(t, m, part)
	if got := m.mustRead(t, "/etc/two"); got != "new" {
		t.Errorf("the part says new, the machine %q", got)
	}
	if got := m.mustRead(t, "/etc/one"); got != "1" {
		t.Errorf("the rest is %q", got)
	}
	converge(t, m, state(file("/etc/two", "new")))
	if m.has("/etc/one") {
		t.Error("the rest was forgotten: it stays although it is no longer wanted")
	}
}
