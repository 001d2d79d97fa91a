package spec

import (
	"strings"
	"testing"
)

// TestRefuse: what is found out later than loading shows its place in the file all the same.
func TestRefuse(t *testing.T) {
	operator(t)
	path := source(t, one+"network {\n  dns = \"a.example\"\n}\n")
	c := load(t, path, LoadOptions{})
	if err := c.Refuse(); err != nil {
		t.Errorf("nothing to object: %v", err)
	}
	err := c.Refuse(
		Objection{c.Places.DNS, "Changed domain", "It was b.example."},
		Objection{c.Nodes[0].Range, "Changed address", "It was 10.0.0.12."},
		Objection{c.Places.Pods, "Changed range", "It was another."},
		Objection{c.Places.Kubernetes, "Changed version", "It was another."},
		Objection{c.Places.Cluster, "Missing node", "It was there."},
	)
	want := []string{
		"Error: Missing node", "line 2", "Error: Changed version", "line 3", "Error: Changed address", "line 5", `node "cp-1"`,
		"Error: Changed range", "line 9", "network {", "Error: Changed domain", "line 10", `dns = "a.example"`, "It was b.example.",
	}
	rest := err.Error()
	for _, w := range want {
		_, after, found := strings.Cut(rest, w)
		if !found {
			t.Fatalf("no %q, or not in its place, in:\n%v", w, err)
		}
		rest = after
	}
	// What the file leaves out stands where it would be said.
	c = load(t, source(t, one), LoadOptions{})
	if c.Places.DNS != c.Places.Cluster || c.Places.Cluster.Start.Line != 2 {
		t.Errorf("%+v", c.Places)
	}
}
