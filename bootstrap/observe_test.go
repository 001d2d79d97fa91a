package bootstrap

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/bundle/bundletest"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

func TestGuardMembers(t *testing.T) {
	cp1, cp2, cp3 := declare("cp-1", spec.ControlPlane, "10.0.0.11"), declare("cp-2", spec.ControlPlane, "10.0.0.12"), declare("cp-3", spec.ControlPlane, "10.0.0.13")
	w1, w2 := declare("w-1", spec.Worker, "10.0.0.21"), declare("w-2", spec.Worker, "10.0.0.22")
	moved, worker := cp2, cp2
	moved.Address, worker.Role = netip.MustParseAddr("10.0.0.99"), spec.Worker
	const (
		added   = ": control planes cannot be added to a running cluster yet: leave the file's control planes as they were applied"
		removed = ": control planes cannot be removed from a running cluster yet: put the node back into the file"
	)
	for name, test := range map[string]struct {
		before, now []spec.Node
		want        string
	}{
		"a first time":    {nil, []spec.Node{cp1, cp2, cp3}, ""},
		"the same":        {[]spec.Node{cp1, cp2, cp3, w1}, []spec.Node{cp3, cp1, cp2, w1}, ""},
		"other workers":   {[]spec.Node{cp1, w1}, []spec.Node{cp1, w2}, ""},
		"more":            {[]spec.Node{cp1, w1}, []spec.Node{cp1, cp2, cp3, w1}, "cp-2" + added + "\ncp-3" + added},
		"fewer":           {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1}, "cp-2" + removed + "\ncp-3" + removed},
		"another":         {[]spec.Node{cp1}, []spec.Node{cp2}, "cp-2" + added + "\ncp-1" + removed},
		"turned worker":   {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1, worker, cp3}, "cp-2" + removed},
		"turned into one": {[]spec.Node{cp1, worker, w1}, []spec.Node{cp1, cp2, w1}, "cp-2" + added},
		"at another address": {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1, moved, cp3},
			"cp-2: the address of a control plane cannot be changed in a running cluster yet: it was applied as 10.0.0.12, write that"},
	} {
		r := newRun(t)
		if test.before != nil {
			if err := r.dir.PutNodes(test.before); err != nil {
				t.Fatal(err)
			}
		}
		r.Cluster.Nodes = test.now
		got := ""
		if err := r.guardMembers(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestPayload(t *testing.T) {
	blob := node.Blob{Digest: "sha256:ab", Size: 7}
	m := bundle.Manifest{
		Binaries: []bundle.Binary{{Name: "kube", Size: 9, SHA256: "cd", Blob: blob}},
		Images:   []bundle.Image{{Name: "etcd", Ref: "slipway.local/etcd:v3", Manifest: blob, Blobs: []node.Blob{blob}}},
	}
	got := payload(m)
	if diff := cmp.Diff(map[string]node.Binary{"kube": {Mode: 0o755, SHA256: "cd", Size: 9, Blob: blob}}, got.Binaries); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]node.Image{"etcd": {Ref: "slipway.local/etcd:v3", Manifest: blob, Blobs: []node.Blob{blob}}}, got.Images); diff != "" {
		t.Error(diff)
	}
}

// TestPreflight: what forbids an apply is an error of its machine; what does not is a warning, told once.
func TestPreflight(t *testing.T) {
	r, p := newRun(t), &plan.Plan{}
	for _, m := range r.machines {
		m.facts.Cgroup = 1
	}
	r.machines[1].facts.Swap = []string{"/swap"}
	if err := r.preflight(p); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cp-1, w-1, lb-1: cgroup version 1 (boot with systemd.unified_cgroup_hierarchy=1; Kubernetes keeps version 1 alive but no longer improves it)",
		"w-1: swap is on: /swap (apply turns it off and comments it out of /etc/fstab)",
	}
	if diff := cmp.Diff(want, p.Warnings); diff != "" {
		t.Error(diff)
	}

	r.machines[0].facts.Arch, r.machines[1].facts.DiskFree["/"] = "arm64", 0
	err := r.preflight(&plan.Plan{})
	var unfit *UnfitError
	if !errors.As(err, &unfit) || err.Error() != "cp-1: architecture is arm64\nw-1: 0 MiB free below /, 1024 MiB are needed" {
		t.Errorf("%v", err)
	}
}

// TestNeeds: a bare machine needs its role's blobs, once each; one that was applied has them already.
func TestNeeds(t *testing.T) {
	r := newRun(t)
	want := bundletest.Blob(t, "one").Size + bundletest.Blob(t, "two").Size
	if got := r.needs(r.machines[1]); got != want {
		t.Errorf("a bare machine needs %d, want %d", got, want)
	}
	r.machines[1].facts.Cluster = r.certs.ClusterID()
	if got := r.needs(r.machines[1]); got != 0 {
		t.Errorf("an applied machine needs %d", got)
	}
}

// TestWishes: load balancers are no nodes of the API; the role is a label that kubectl shows.
func TestWishes(t *testing.T) {
	r := newRun(t)
	r.Cluster.Nodes[1].Labels = map[string]string{"zone": "a"}
	r.machines[1].node.Labels = r.Cluster.Nodes[1].Labels
	got := r.wishes()
	if len(got) != 2 || got[0].Name != "cp-1" || got[1].Name != "w-1" {
		t.Fatalf("%+v", got)
	}
	if diff := cmp.Diff(map[string]string{"node-role.kubernetes.io/control-plane": ""}, got[0].Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"node-role.kubernetes.io/worker": "", "zone": "a"}, got[1].Labels); diff != "" {
		t.Error(diff)
	}
	if len(got[0].Taints) != 1 || len(got[1].Taints) != 0 || len(r.Cluster.Nodes[1].Labels) != 1 {
		t.Errorf("taints %v and %v, declared labels %v", got[0].Taints, got[1].Taints, r.Cluster.Nodes[1].Labels)
	}
}
