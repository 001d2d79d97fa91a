package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(kind, namespace, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"kind": kind}}
	o.SetName(name)
	if namespace != "" {
		o.SetNamespace(namespace)
	}
	return o
}

func TestID(t *testing.T) {
	for want, o := range map[string]*unstructured.Unstructured{
		"DaemonSet kube-system/kube-proxy": object("DaemonSet", "kube-system", "kube-proxy"),
		"ClusterRole system:coredns":       object("ClusterRole", "", "system:coredns"),
	} {
		if got := ID(o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStrip leaves what people mean and removes what every write changes.
func TestStrip(t *testing.T) {
	o := object("DaemonSet", "kube-system", "a")
	want := o.DeepCopy()
	for _, x := range []*unstructured.Unstructured{o, want} {
		x.SetLabels(map[string]string{"a": "b"})
		x.SetUID("u")
		x.Object["spec"] = map[string]any{"x": int64(1)}
	}
	o.SetResourceVersion("7")
	o.SetGeneration(3)
	o.Object["status"] = map[string]any{"ready": int64(1)}
	o.Object["metadata"].(map[string]any)["managedFields"] = []any{map[string]any{"manager": "slipway"}}
	strip(o)
	if diff := cmp.Diff(want.Object, o.Object); diff != "" {
		t.Error(diff)
	}
	strip(o) // of what has none of it
	if diff := cmp.Diff(want.Object, o.Object); diff != "" {
		t.Error(diff)
	}
}

func TestLastLine(t *testing.T) {
	for in, want := range map[string]string{"": "", "one": "one", "one\ntwo\n\n": "two"} {
		if got := lastLine(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
