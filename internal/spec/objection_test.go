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

// TestPlacesOfFlags: each flag has its own place, also where the map is computed.
func TestPlacesOfFlags(t *testing.T) {
	operator(t)
	c := load(t, source(t, one+"component \"etcd\" {\n  flags = {\n    heartbeat-interval = \"200\"\n    \"--v2\" = \"x\"\n  }\n}\ncomponent \"kube-scheduler\" {\n  flags = merge({}, { v = \"2\" })\n}\n"), LoadOptions{})
	for _, test := range []struct {
		program, flag string
		line          int
	}{{"etcd", "heartbeat-interval", 11}, {"etcd", "v2", 12}, {"kube-scheduler", "v", 16}} {
		at, known := c.Places.Flags[test.program][test.flag]
		if !known || at.Start.Line != test.line {
			t.Errorf("%s --%s: %+v", test.program, test.flag, at)
		}
		if _, set := c.Flags[test.program][test.flag]; !set {
			t.Errorf("%s --%s is not set: %v", test.program, test.flag, c.Flags)
		}
	}
	err := c.Refuse(Objection{c.Places.Flags["etcd"]["v2"], "Unknown flag", "No."})
	if err == nil || !strings.Contains(err.Error(), `"--v2" = "x"`) || !strings.Contains(err.Error(), `in component "etcd"`) {
		t.Errorf("%v", err)
	}
	if Suggest("snapshot-cont", []string{"snapshot-count"}) != ` Did you mean "snapshot-count"?` || Suggest("x", []string{"snapshot-count"}) != "" {
		t.Error("no suggestion, or a wild one")
	}
}
