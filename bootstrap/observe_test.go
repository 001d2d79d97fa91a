package bootstrap

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/bundle/bundletest"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
)

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
		"w-1: swap is on: /swap (apply turns it off and keeps it off over reboots; destroy turns it on again)",
	}
	if diff := cmp.Diff(want, p.Warnings); diff != "" {
		t.Error(diff)
	}

	r.machines[0].facts.Arch, r.machines[1].facts.DiskFree["/"] = "arm64", 0
	err := r.preflight(&plan.Plan{})
	var unfit *UnfitError
	if !errors.As(err, &unfit) || err.Error() != "cp-1: architecture is arm64\nw-1: 0 MiB free below /, 512 MiB are needed" {
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
