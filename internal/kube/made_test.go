package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// TestMadeNodes: what others joined is not Slipway's to remove.
func TestMadeNodes(t *testing.T) {
	node := func(name, address string, annotations map[string]string, labels ...string) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations, Labels: map[string]string{}}}
		for _, l := range labels {
			n.Labels[l] = ""
		}
		n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}}
		if address != "" {
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
		}
		return n
	}
	ours := map[string]string{ownedAnnotation: "{}"}
	client := &Client{Typed: fake.NewClientset(
		node("cp-1", "10.0.0.11", ours, "node-role.kubernetes.io/control-plane", "zone"),
		node("theirs", "10.0.0.99", nil, "node-role.kubernetes.io/worker"),
		node("w-1", "", ours, "node-role.kubernetes.io/worker"),
	)}
	if names, err := client.NodeNames(t.Context()); err != nil || len(names) != 3 || !names["theirs"] || !names["w-1"] {
		t.Errorf("%v, %v", names, err)
	}
	got, err := client.MadeNodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []MadeNode{{"cp-1", "10.0.0.11", []string{"control-plane"}}, {"w-1", "", []string{"worker"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
