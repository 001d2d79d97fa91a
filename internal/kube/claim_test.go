package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
)

func managed(by ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{
		"name": "coredns", "resourceVersion": "7", "annotations": map[string]any{"deployment.kubernetes.io/revision": "3", "theirs": "x"},
	}, "spec": map[string]any{"paused": true}}}
	o.SetManagedFields(by)
	return o
}

// TestForeign: what Slipway has applied once is its own, whoever else writes there.
func TestForeign(t *testing.T) {
	kubeadm := metav1.ManagedFieldsEntry{Manager: "kubeadm", Operation: metav1.ManagedFieldsOperationUpdate}
	byHand := metav1.ManagedFieldsEntry{Manager: FieldManager, Operation: metav1.ManagedFieldsOperationUpdate}
	applied := metav1.ManagedFieldsEntry{Manager: FieldManager, Operation: metav1.ManagedFieldsOperationApply}
	if !foreign(managed(kubeadm)) || !foreign(managed(byHand)) || foreign(managed(kubeadm, applied)) {
		t.Error("taken for the other")
	}
}

// TestOwners: people and tools give up what they wrote, controllers and statuses stay.
func TestOwners(t *testing.T) {
	entry := func(manager, subresource string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Subresource: subresource}
	}
	got := owners(managed(entry("kubeadm", ""), entry("kubectl-edit", ""), entry("kube-controller-manager", ""), entry("kubelet", "status"),
		metav1.ManagedFieldsEntry{Manager: "argocd", Operation: metav1.ManagedFieldsOperationApply}))
	if d := cmp.Diff(sets.New("kubeadm", "kubectl-edit"), got); d != "" {
		t.Error(d)
	}
}

// TestReplacement: what a plan shows is Slipway's object, with what a controller counts by.
func TestReplacement(t *testing.T) {
	ours := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "coredns"}, "spec": map[string]any{"replicas": int64(2)}}}
	got := replacement(managed(), ours)
	want := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"replicas": int64(2)},
		"metadata": map[string]any{"name": "coredns", "resourceVersion": "7", "annotations": map[string]any{"deployment.kubernetes.io/revision": "3"}}}
	if d := cmp.Diff(want, got.Object); d != "" {
		t.Error(d)
	}
	if ours.GetResourceVersion() != "" {
		t.Error("the object itself has changed")
	}
}
