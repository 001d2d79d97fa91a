package bootstrap

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
)

func TestPrograms(t *testing.T) {
	pod := func(version string, flags string) string {
		return "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: slipway.local/kube:v" + version + "\n    command: [kube-apiserver, " + flags + "]\n"
	}
	manifest := node.Change{ID: "file /etc/kubernetes/manifests/kube-apiserver.yaml", Action: node.Update,
		Before: pod("1.35.4", "--v=2, --old, --many=1, --many=2"), After: pod("1.36.3", "--v=4, --new=x=y, --many=1, --many=2")}
	unit := node.Change{ID: "file /etc/systemd/system/kubelet.service", Action: node.Update,
		Before: "ExecStart=/usr/local/bin/kube kubelet \\\n  --node-ip=10.0.0.11 \\\n  --config=a\n", After: "ExecStart=/usr/local/bin/kube kubelet \\\n  --node-ip=10.0.0.11 \\\n  --config=b\n"}
	binary := node.Change{ID: "binary /usr/local/bin/kube", Action: node.Update, Before: "sha256:a", After: "sha256:b"}
	daemons := func(image string) string {
		return "kind: DaemonSet\nspec:\n  template:\n    spec:\n      containers:\n      - {name: one, image: \"" + image + "\"}\n      - {name: two, image: same}\n"
	}
	p := &plan.Plan{From: "1.35.4", Kubernetes: "1.36.3", Nodes: []plan.Node{
		{Name: "cp-1", Changes: []node.Change{manifest, binary}},
		{Name: "cp-2", Changes: []node.Change{manifest, binary, unit}},
		{Name: "cp-3", Changes: []node.Change{
			{ID: manifest.ID, Action: node.Create, After: manifest.After},                                             // it does not run yet
			{ID: "file /etc/kubernetes/manifests/etcd.yaml", Before: "{spoilt", After: manifest.After},                // by hand
			{ID: "file /etc/kubernetes/manifests/kube-scheduler.yaml", Before: manifest.After, After: manifest.After}, // another annotation
			{ID: "binary /usr/local/bin/kube", Action: node.Create, After: "sha256:b"}, {ID: unit.ID, After: unit.After},
		}},
		{Name: "w-1", Changes: []node.Change{binary}},
	}, Objects: []plan.Object{
		{ID: "DaemonSet kube-system/kube-proxy", Action: node.Update, Before: daemons("slipway.local/p:1"), After: daemons("slipway.local/p:2")},
		{ID: "ConfigMap kube-system/kube-proxy", Action: node.Update, Before: "data: {a: b}", After: "data: {a: c}"},
		{ID: "ClusterRole system:a", Action: node.Update, Before: "rules: []", After: "rules: [{}]"},
	}}
	programs(p)
	want := []plan.Program{
		{Name: "kube-apiserver", Nodes: []string{"cp-1", "cp-2"}, From: "slipway.local/kube:v1.35.4", To: "slipway.local/kube:v1.36.3", Flags: []plan.Flag{
			{Name: "new", After: "--new=x=y"}, {Name: "old", Before: "--old"}, {Name: "v", Before: "--v=2", After: "--v=4"},
		}},
		{Name: "kubelet", Nodes: []string{"cp-1", "w-1"}, From: "kube:v1.35.4", To: "kube:v1.36.3"},
		{Name: "kubelet", Nodes: []string{"cp-2"}, From: "kube:v1.35.4", To: "kube:v1.36.3", Flags: []plan.Flag{{Name: "config", Before: "--config=a", After: "--config=b"}}},
		{Name: "kube-proxy/one", From: "slipway.local/p:1", To: "slipway.local/p:2"},
	}
	if diff := cmp.Diff(want, p.Programs); diff != "" {
		t.Error(diff)
	}
	programs(p)
	if diff := cmp.Diff(want, p.Programs); diff != "" {
		t.Errorf("told twice: %s", diff)
	}
}
