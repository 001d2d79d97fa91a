package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
)

// sample is a plan that uses every field.
func sample() *Plan {
	return &Plan{
		Format: FormatVersion, Cluster: "prod", ID: "0123", Kubernetes: "1.36.3", Spec: "sha256:ab", Warnings: []string{"w-1: swap is on"},
		Nodes: []Node{
			{Name: "cp-1", Role: "control-plane", Address: "10.0.0.11", Changes: []node.Change{
				{ID: "file /etc/a", Action: node.Update, Before: "1\n", After: "2\n", Reason: "changed by hand"},
				{ID: "binary /usr/local/bin/runc", Action: node.Create, After: "sha256:cd", Blobs: []node.Blob{{Digest: "sha256:ef", Size: 7, MediaType: "application/zstd"}}},
			}},
			{Name: "w-1", Role: "worker", Address: "10.0.0.21"},
			{Name: "w-2", Role: "worker", Address: "10.0.0.22", Removed: true},
		},
		Objects: []Object{{ID: "ConfigMap kube-system/coredns", Action: node.Update, Before: "a: 1\n", After: "a: 2\n"}},
	}
}

// stored is p after it was written to a file and read again.
func stored(t *testing.T, p *Plan) *Plan {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var out Plan
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestStoredPlanIsTheSame(t *testing.T) {
	if diff := cmp.Diff(sample(), stored(t, sample())); diff != "" {
		t.Error(diff)
	}
	if err := stored(t, sample()).Stale(sample()); err != nil {
		t.Error(err)
	}
}

// TestNothingIsNothing: a machine answers with an empty list, a file holds null, and neither is a change.
func TestNothingIsNothing(t *testing.T) {
	now := sample()
	now.Nodes[1].Changes, now.Objects = []node.Change{}, []Object{}
	before := stored(t, now)
	before.Nodes[1].Changes, before.Objects = nil, nil
	if err := before.Stale(now); err != nil {
		t.Error(err)
	}
	if err := now.Stale(before); err != nil {
		t.Error(err)
	}
}

func TestStale(t *testing.T) {
	const again = " since the plan was made: plan again"
	for name, test := range map[string]struct {
		change func(*Plan)
		want   string
	}{
		"cluster":              {func(p *Plan) { p.Cluster = "dev" }, "the plan is for another cluster (prod 0123, not dev 0123)"},
		"another of that name": {func(p *Plan) { p.ID = "4567" }, "the plan is for another cluster (prod 0123, not prod 4567)"},
		"file":                 {func(p *Plan) { p.Spec = "sha256:cd" }, "the cluster's file has changed" + again},
		"done meanwhile":       {func(p *Plan) { p.Nodes[0].Changes = nil }, "cp-1 has changed" + again},
		"half done":            {func(p *Plan) { p.Nodes[0].Changes = p.Nodes[0].Changes[1:] }, "cp-1 has changed" + again},
		"edited again":         {func(p *Plan) { p.Nodes[0].Changes[0].Before = "3\n" }, "cp-1 has changed" + again},
		"another digest":       {func(p *Plan) { p.Nodes[0].Changes[1].Blobs[0].Digest = "sha256:00" }, "cp-1 has changed" + again},
		"more":                 {func(p *Plan) { p.Nodes[1].Changes = []node.Change{{ID: "swap", Action: node.Update}} }, "w-1 has changed" + again},
		"declared again":       {func(p *Plan) { p.Nodes[2].Removed = false }, "w-2 has changed" + again},
		"removed already":      {func(p *Plan) { p.Nodes = p.Nodes[:2] }, "w-2 has changed" + again},
		"a node more":          {func(p *Plan) { p.Nodes = append(p.Nodes, Node{Name: "w-3"}) }, "w-3 has changed" + again},
		"object":               {func(p *Plan) { p.Objects[0].Before = "a: 0\n" }, "the cluster's objects have changed" + again},
		"no objects":           {func(p *Plan) { p.Objects = nil }, "the cluster's objects have changed" + again},
		// What is told beside the changes, and would not be done, does not matter.
		"warnings": {func(p *Plan) { p.Warnings = nil }, ""},
	} {
		now := sample()
		test.change(now)
		err := stored(t, sample()).Stale(now)
		if got := message(err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %q", name, err)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestEmpty(t *testing.T) {
	for name, test := range map[string]struct {
		plan Plan
		want bool
	}{
		"zero":           {Plan{}, true},
		"nodes as is":    {Plan{Nodes: []Node{{Name: "a"}, {Name: "b", Changes: []node.Change{}}}, Warnings: []string{"x"}}, true},
		"a change":       {Plan{Nodes: []Node{{Name: "a"}, {Name: "b", Changes: []node.Change{{ID: "swap"}}}}}, false},
		"a node to go":   {Plan{Nodes: []Node{{Name: "a", Removed: true}}}, false},
		"only an object": {Plan{Nodes: []Node{{Name: "a"}}, Objects: []Object{{ID: "x"}}}, false},
	} {
		if got := test.plan.Empty(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
