package bootstrap

import (
	"maps"
	"slices"
	"testing"

	"github.com/slipway/slipway/internal/node"
)

func TestPodsBeforeTheKubelet(t *testing.T) {
	pods := node.Change{ID: "file /etc/kubernetes/manifests/etcd.yaml", Action: node.Update}
	restart := node.Change{ID: "unit kubelet.service", Action: node.Restart}
	for name, test := range map[string]struct {
		changes        []node.Change
		pods, restarts bool
	}{
		"nothing":           {nil, false, false},
		"a pod":             {[]node.Change{pods}, true, false},
		"the kubelet":       {[]node.Change{restart}, false, true},
		"both":              {[]node.Change{restart, pods}, true, true},
		"a stopped kubelet": {[]node.Change{pods, {ID: "unit kubelet.service", Action: node.Start}}, true, false}, // there is none under which they could change
		"what is like them": {[]node.Change{{ID: "file /etc/kubernetes/manifests.yaml"}, {ID: "unit containerd.service", Action: node.Restart}}, false, false},
	} {
		if got := changesPods(test.changes); got != test.pods {
			t.Errorf("%s: pods change: %t", name, got)
		}
		if got := restartsKubelet(test.changes); got != test.restarts {
			t.Errorf("%s: the kubelet restarts: %t", name, got)
		}
	}
	whole := node.State{Resources: []node.Resource{{Unit: &node.Unit{Name: "containerd.service"}}, {Unit: &node.Unit{Name: "kubelet.service"}}, {File: &node.File{Path: "/etc/a"}}}}
	part := withoutKubelet(whole)
	if !part.Part || len(part.Resources) != 2 || whole.Part || len(whole.Resources) != 3 {
		t.Errorf("a part of %v: %v", whole, part)
	}
}

func TestStaticPods(t *testing.T) {
	file := func(path, text string) node.Resource {
		return node.Resource{File: &node.File{Path: path, Content: []byte(text)}}
	}
	marks, err := staticPods(node.State{Resources: []node.Resource{
		file("/etc/kubernetes/manifests/etcd.yaml", "metadata:\n  name: etcd\n  annotations:\n    slipway.dev/inputs: ab\n"),
		file("/etc/kubernetes/pki/ca.crt", "no pod"), {Unit: &node.Unit{Name: "kubelet.service"}},
	}})
	if err != nil || !maps.Equal(marks, map[string]string{"etcd": "ab"}) {
		t.Errorf("%v, %v", slices.Collect(maps.Keys(marks)), err)
	}
	if _, err := staticPods(node.State{Resources: []node.Resource{file("/etc/kubernetes/manifests/a.yaml", "\tno pod")}}); err == nil {
		t.Error("a manifest that cannot be read is no error")
	}
}
