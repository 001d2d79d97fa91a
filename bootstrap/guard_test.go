package bootstrap

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/spec"
)

// objections are what err refuses, each as "summary: detail", without the wrapping.
func objections(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var refused *spec.Error
	if !errors.As(err, &refused) {
		t.Fatalf("not an error about the file: %v", err)
	}
	var out []string
	for _, d := range refused.Diags {
		out = append(out, d.Summary+": "+d.Detail)
	}
	return out
}

func TestGuardNodes(t *testing.T) {
	cp1, cp2, cp3 := declare("cp-1", spec.ControlPlane, "10.0.0.11"), declare("cp-2", spec.ControlPlane, "10.0.0.12"), declare("cp-3", spec.ControlPlane, "10.0.0.13")
	w1, w2 := declare("w-1", spec.Worker, "10.0.0.21"), declare("w-2", spec.Worker, "10.0.0.22")
	moved, worker := cp2, cp2
	moved.Address, worker.Role = netip.MustParseAddr("10.0.0.99"), spec.Worker
	w1moved, w1named, w1lb := w1, w1, w1
	w1moved.Address, w1named.Name, w1lb.Role = netip.MustParseAddr("10.0.0.99"), "w-9", spec.LoadBalancer
	w1swapped, w2swapped := w1, w2
	w1swapped.Address, w2swapped.Address = w2.Address, w1.Address
	const replaced = "All control planes replaced: None of the control planes that were applied is in the file any more, and the cluster's data is on them. Keep one, apply, and take it out when the others have joined."
	role := func(n spec.Node) string {
		return "Changed role: " + n.Name + " was applied as a " + string(n.Role) + ". Write role = \"" + string(n.Role) + "\", or take the block out of the file, apply, and put it back with its new role."
	}
	readdressed := func(n spec.Node) string {
		return "Changed address: " + n.Name + " was applied as " + n.Address.String() + ", and a node's address cannot be changed in place. Write address = \"" +
			n.Address.String() + "\", or take the block out of the file, apply, and put it back with its new address."
	}
	for name, test := range map[string]struct {
		before, now []spec.Node
		want        []string
	}{
		"a first time":    {nil, []spec.Node{cp1, cp2, cp3}, nil},
		"the same":        {[]spec.Node{cp1, cp2, cp3, w1}, []spec.Node{cp3, cp1, cp2, w1}, nil},
		"other workers":   {[]spec.Node{cp1, w1}, []spec.Node{cp1, w2}, nil},
		"more":            {[]spec.Node{cp1, w1}, []spec.Node{cp1, cp2, cp3, w1}, nil},
		"fewer":           {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1}, nil},
		"one by another":  {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1, cp2, declare("cp-4", spec.ControlPlane, "10.0.0.14")}, nil},
		"another":         {[]spec.Node{cp1}, []spec.Node{cp2}, []string{replaced}},
		"turned worker":   {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1, worker, cp3}, []string{role(cp2)}},
		"turned into one": {[]spec.Node{cp1, worker, w1}, []spec.Node{cp1, cp2, w1}, []string{role(worker)}},
		"a control plane's address": {[]spec.Node{cp1, cp2, cp3}, []spec.Node{cp1, moved, cp3},
			[]string{`Changed address: The address of a control plane cannot be changed in place: cp-2 was applied as 10.0.0.12. Write address = "10.0.0.12", or replace the node by one of another name, which joins etcd anew.`}},
		"a worker's address": {[]spec.Node{cp1, w1}, []spec.Node{cp1, w1moved}, []string{readdressed(w1)}},
		"swapped addresses":  {[]spec.Node{cp1, w1, w2}, []spec.Node{cp1, w1swapped, w2swapped}, []string{readdressed(w1), readdressed(w2)}},
		"a worker's name": {[]spec.Node{cp1, w1}, []spec.Node{cp1, w1named},
			[]string{`Changed name: The machine at 10.0.0.21 was applied as w-1, and a node cannot be renamed in place. Write node "w-1", or take the block out of the file, apply, and put it back with its new name.`}},
		"a worker's role": {[]spec.Node{cp1, w1}, []spec.Node{cp1, w1lb},
			[]string{`Changed role: w-1 was applied as a worker. Write role = "worker", or take the block out of the file, apply, and put it back with its new role.`}},
	} {
		r := newRun(t)
		if test.before != nil {
			if err := r.dir.PutNodes(test.before); err != nil {
				t.Fatal(err)
			}
		}
		r.Cluster.Nodes = test.now
		if diff := cmp.Diff(test.want, objections(t, r.guard())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestGuardApplied: what runs was made with these, and nothing makes it follow another.
func TestGuardApplied(t *testing.T) {
	r := newRun(t)
	if err := r.guard(); err != nil {
		t.Errorf("a first time: %v", err)
	}
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	if err := r.guard(); err != nil {
		t.Errorf("the same again: %v", err)
	}
	r.Cluster.Network.DNS, r.Cluster.Network.Services, r.Cluster.Kubernetes = "k8s.example.com", netip.MustParsePrefix("10.97.0.0/16"), "1.35.4"
	const tail = " Write what was applied; slipway destroy begins anew."
	want := []string{
		`Changed version: The cluster runs 1.36.3, and an apply goes up only. Write kubernetes = "1.36.3"; slipway rollback takes the last change of version back where what is stored by now allows it.`,
		`Changed range: network.services cannot be changed in a running cluster yet: it was applied as "10.96.0.0/16", and the file says "10.97.0.0/16".` + tail,
		`Changed domain: network.dns cannot be changed in a running cluster yet: it was applied as "cluster.local", and the file says "k8s.example.com".` + tail,
	}
	if diff := cmp.Diff(want, objections(t, r.guard())); diff != "" {
		t.Error(diff)
	}
	// Kept by a version that did not know of the domain.
	if err := r.dir.Put(appliedFile, applied{Kubernetes: "1.35.4", Pods: "10.244.0.0/16", Services: "10.97.0.0/16"}); err != nil {
		t.Fatal(err)
	}
	if err := r.guard(); err != nil {
		t.Error(err)
	}
}

// TestGuardShowsTheLine: the refusal comes before anything is connected to, with the place in the user's file.
func TestGuardShowsTheLine(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	path := filepath.Join(dir, "cluster.hcl")
	write := func(address string) *spec.Cluster {
		text := "cluster \"test\" { kubernetes = \"1.36.3\" }\nnode \"cp-1\" {\n  role = \"control-plane\"\n  address = \"10.0.0.11\"\n}\n" +
			"node \"w-1\" {\n  role = \"worker\"\n  address = \"" + address + "\"\n}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := spec.Read(path, spec.LoadOptions{NoSSH: true})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	r := newRun(t)
	r.Cluster = write("10.0.0.21")
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	r.Cluster = write("10.0.0.22")
	r.machines = nil
	_, err := r.Plan(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cluster.hcl line 6") || !strings.Contains(err.Error(), `node "w-1" {`) || !strings.Contains(err.Error(), "Changed address") {
		t.Errorf("%v", err)
	}
	if len(r.machines) > 0 {
		t.Error("machines were connected to")
	}
}

// TestGuardMachines: a machine says itself which node it is, also to who remembers nothing.
func TestGuardMachines(t *testing.T) {
	r := newRun(t)
	for _, m := range r.machines {
		m.facts.Cluster, m.facts.Node = r.certs.ClusterID(), m.node.Name
	}
	r.machines[2].facts.Cluster, r.machines[2].facts.Node = "", ""
	if err := r.guardMachines(); err != nil {
		t.Error(err)
	}
	r.machines[1].facts.Node = "w-7"
	got := objections(t, r.guardMachines())
	if len(got) != 1 || !strings.HasPrefix(got[0], "Another node's machine: The machine at 10.0.0.21 is w-7 of this cluster") || !strings.Contains(got[0], `Write node "w-7"`) {
		t.Errorf("%q", got)
	}
}

// TestGuardFlags: the version that the cluster goes to must know the file's flags, whatever version it comes from.
func TestGuardFlags(t *testing.T) {
	r := newRun(t)
	if err := r.remember(); err != nil {
		t.Fatal(err)
	}
	r.Cluster.Flags = map[string]map[string]string{
		"etcd":           {"quota-backend-byte": "1", "max-snapshots": "3", "config": "x"},
		"kube-scheduler": {"no-such-flag": "1", "v": "4"},
	}
	unknown := func(version string) []string {
		return []string{
			`Unknown flag: etcd of release 3.6.16 has no flag --quota-backend-byte. Did you mean "quota-backend-bytes"?`,
			"Unknown flag: kube-scheduler of Kubernetes " + version + " has no flag --no-such-flag.",
		}
	}
	if diff := cmp.Diff(unknown("1.36.3"), objections(t, r.guard())); diff != "" {
		t.Error(diff)
	}
	// On the way back they are judged by the version before.
	begun := time.Now()
	if err := r.dir.Put(rolloutFile, &rollout{From: "1.35.4", To: "1.36.3", Begun: begun, Finished: begun}); err != nil {
		t.Fatal(err)
	}
	r.TakeBack = true
	if diff := cmp.Diff(unknown("1.35.4"), objections(t, r.guard())); diff != "" {
		t.Error(diff)
	}
	warnings, err := r.flagWarnings()
	want := []string{
		`--config of etcd of release 3.6.16 is deprecated: "flag is no longer supported - ignoring"`,
		`--max-snapshots of etcd of release 3.6.16 is deprecated: "--max-snapshots is deprecated in 3.6 and will be decommissioned in 3.8."`,
		"the bundle's etcd is release , and the flags of the file were checked by those of 3.6.16",
	}
	if diff := cmp.Diff(want, warnings); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	r.Cluster.Kubernetes, r.Cluster.Flags = "1.1.0", map[string]map[string]string{"kube-scheduler": {"no-such-flag": "1"}}
	warnings, err = r.flagWarnings()
	if err := r.guardDeclared(); err != nil {
		t.Errorf("a version without a table: %v", err)
	}
	if diff := cmp.Diff([]string{"the flags of kube-scheduler are not checked: which ones it takes in Kubernetes 1.1.0 is not known to this slipway"}, warnings); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	r.machines = r.machines[1:]
	if warnings, err := r.flagWarnings(); err != nil || len(warnings) > 0 {
		t.Errorf("on a worker alone: %q, %v", warnings, err)
	}
}
