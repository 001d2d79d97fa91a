package ui

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
)

const hash = "sha256:%08[1]x%056[1]d"

// fresh is a plan for five bare machines.
func fresh() *plan.Plan {
	p := &plan.Plan{Format: plan.FormatVersion, Cluster: "prod", Kubernetes: "1.36.3",
		Warnings: []string{"cp-2: cgroup v1: Kubernetes will drop it in a release to come"}}
	for i, name := range machines {
		n := plan.Node{Name: name, Role: "control-plane", Address: fmt.Sprintf("10.0.0.%d", 11+i)}
		files := 24
		if strings.HasPrefix(name, "w-") {
			n.Role, files = "worker", 9
		}
		add := func(id string, size int64) {
			c := node.Change{ID: id, Action: node.Create, After: fmt.Sprintf(hash, len(n.Changes))}
			if size > 0 {
				c.Blobs = []node.Blob{{Digest: id, Size: size}}
			}
			n.Changes = append(n.Changes, c)
		}
		for _, k := range []string{"net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "vm.overcommit_memory", "kernel.panic"} {
			add("sysctl "+k, 0)
		}
		add("module overlay", 0)
		add("module br_netfilter", 0)
		for _, b := range []string{"kube", "containerd", "containerd-shim-runc-v2", "ctr", "runc"} {
			add("binary /usr/local/bin/"+b, 30_000_000)
		}
		for k := range files {
			add(fmt.Sprintf("file /etc/kubernetes/%s/%d", []string{"pki", "manifests", "pki"}[k%3], k), 0)
		}
		for _, m := range []string{"kube:v1.36.3", "etcd:3.6.14", "pause:1", "coredns:1.15.0"} {
			add("image slipway.local/"+m, 40_000_000)
		}
		for _, u := range []string{"containerd.service", "kubelet.service"} {
			n.Changes = append(n.Changes, node.Change{ID: "unit " + u, Action: node.Start})
		}
		p.Nodes = append(p.Nodes, n)
	}
	for _, id := range []string{"DaemonSet kube-system/kube-proxy", "ConfigMap kube-system/kube-proxy", "ConfigMap kube-system/coredns",
		"Deployment kube-system/coredns", "Service kube-system/kube-dns", "ClusterRole system:coredns"} {
		p.Objects = append(p.Objects, plan.Object{ID: id, Action: node.Create, After: "kind: …\n"})
	}
	return p
}

// drift is a plan for a cluster that hands and edits of the file have changed.
func drift() *plan.Plan {
	manifest := "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - command:\n    - kube-apiserver\n    - --profiling=%s\n    - --secure-port=6443\n"
	var long []string
	for i := range 90 {
		long = append(long, fmt.Sprintf("line %d", i))
	}
	before := strings.Join(long, "\n")
	apiserver := node.Change{ID: "file /etc/kubernetes/manifests/kube-apiserver.yaml", Action: node.Update,
		Before: fmt.Sprintf(manifest, "true"), After: fmt.Sprintf(manifest, "false")}
	sysctl := node.Change{ID: "sysctl net.ipv4.ip_forward", Action: node.Update, Before: "0", After: "1"}
	return &plan.Plan{Format: plan.FormatVersion, Cluster: "prod", ID: "4f1c", Kubernetes: "1.36.3", Nodes: []plan.Node{
		{Name: "cp-1", Role: "control-plane", Address: "10.0.0.11", Changes: []node.Change{
			apiserver,
			{ID: "file /etc/kubernetes/pki/sa.key", Action: node.Update, Before: fmt.Sprintf(hash, 1), After: fmt.Sprintf(hash, 2)},
			{ID: "file /etc/kubernetes/audit.yaml", Action: node.Create, After: "kind: Policy\nrules: []\n"},
		}},
		{Name: "cp-2", Role: "control-plane", Address: "10.0.0.12", Changes: []node.Change{apiserver, sysctl}},
		{Name: "cp-3", Role: "control-plane", Address: "10.0.0.13"},
		{Name: "w-1", Role: "worker", Address: "10.0.0.21", Changes: []node.Change{
			{ID: "file /var/lib/kubelet/config.yaml", Action: node.Update, Before: before, After: strings.ReplaceAll(before, "2", "two") + "\n"},
			{ID: "unit kubelet.service", Action: node.Restart, Reason: "inputs changed: file /var/lib/kubelet/config.yaml"},
			{ID: "file /etc/cni/net.d/99-old.conf", Action: node.Delete, Before: "{\n}\n"},
			{ID: "swap", Action: node.Update, Before: "/dev/vda5", After: "off"},
		}},
		{Name: "w-2", Role: "worker", Address: "10.0.0.22", Changes: []node.Change{sysctl}},
		{Name: "w-3", Role: "worker", Address: "10.0.0.23", Removed: true},
	}, Objects: []plan.Object{
		{ID: "ConfigMap kube-system/kube-proxy", Action: node.Update, Before: "mode: iptables\n", After: "mode: nftables\n"},
		{ID: "DaemonSet kube-system/old", Action: node.Delete},
	}}
}

// upgrade is a plan for a cluster that goes to another version.
func upgrade() *plan.Plan {
	p := &plan.Plan{Format: plan.FormatVersion, Cluster: "prod", ID: "4f1c", From: "1.35.4", Kubernetes: "1.36.3",
		Warnings: []string{"cluster.hcl line 12: --old of kube-apiserver of Kubernetes 1.36.3 is deprecated: \"Use --new instead.\""}}
	for i, name := range machines {
		role := map[bool]string{true: "worker", false: "control-plane"}[strings.HasPrefix(name, "w-")]
		p.Nodes = append(p.Nodes, plan.Node{Name: name, Role: role, Address: fmt.Sprintf("10.0.0.%d", 11+i), Changes: []node.Change{
			{ID: "binary /usr/local/bin/kube", Action: node.Update, Before: fmt.Sprintf(hash, 1), After: fmt.Sprintf(hash, 2)}, {ID: "unit kubelet.service", Action: node.Restart},
		}})
	}
	p.Programs = []plan.Program{
		{Name: "kube-apiserver", Nodes: []string{"cp-1", "cp-2", "cp-3"}, From: "slipway.local/kube:v1.35.4", To: "slipway.local/kube:v1.36.3", Flags: []plan.Flag{
			{Name: "audit-log-maxage", Before: "--audit-log-maxage=30", After: "--audit-log-maxage=90"}, {Name: "gone", Before: "--gone"}, {Name: "new", After: "--new=1"},
		}},
		{Name: "kubelet", Nodes: machines, From: "kube:v1.35.4", To: "kube:v1.36.3"},
		{Name: "etcd", Nodes: []string{"cp-1"}, Flags: []plan.Flag{{Name: "quota-backend-bytes", Before: "--quota-backend-bytes=1", After: "--quota-backend-bytes=2"}}},
		{Name: "coredns", From: "slipway.local/dns:1", To: "slipway.local/coredns:2"},
	}
	p.Course = []plan.Stage{{Name: "snapshot", Does: "taken first: etcd's data, to the state directory", Estimate: 1}, {Name: "control-planes", Nodes: []string{"cp-1"}, Does: "restarts kube-apiserver, kubelet", Estimate: 30}}
	return p
}

func TestPlan(t *testing.T) {
	for name, p := range map[string]*plan.Plan{
		"fresh": fresh(), "drift": drift(), "upgrade": upgrade(),
		"empty": {Cluster: "prod", Kubernetes: "1.36.3", Nodes: make([]plan.Node, 5)},
	} {
		for suffix, full := range map[string]bool{"": false, "-full": true} {
			t.Run(name+suffix, func(t *testing.T) {
				o, stdout, stderr := output(Text)
				if err := o.Plan(p, full); err != nil {
					t.Fatal(err)
				}
				golden(t, "plan-"+name+suffix+".txt", stdout.String())
				if stderr.Len() > 0 {
					t.Errorf("stderr: %q", stderr)
				}
			})
		}
	}
}

func TestPlanColours(t *testing.T) {
	o, stdout, _ := output(Text, "CLICOLOR_FORCE", "1")
	if err := o.Plan(drift(), false); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan-drift.ansi", strings.ReplaceAll(stdout.String(), "\x1b", "␛"))
}

func TestPlanJSON(t *testing.T) {
	o, stdout, _ := output(JSON)
	if err := o.Plan(drift(), false); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan-drift.json", stdout.String())
	var back plan.Plan
	if err := json.Unmarshal(stdout.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(drift(), &back); d != "" {
		t.Error(d)
	}
}

// A hundred fresh machines are still read on one screen.
func TestPlanIsShort(t *testing.T) {
	p := fresh()
	for i := range 100 {
		w := p.Nodes[4]
		w.Name, w.Address = fmt.Sprintf("w-%d", i+10), fmt.Sprintf("10.0.1.%d", i)
		p.Nodes = append(p.Nodes, w)
	}
	o, stdout, _ := output(Text)
	if err := o.Plan(p, false); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(stdout.String(), "\n"); n > 40 {
		t.Errorf("%d lines", n)
	}
}
