package kube

import (
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"
)

func worker(name string, ready corev1.ConditionStatus) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}}}
}

func podOn(node, name string, finalizers ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Finalizers: finalizers}, Spec: corev1.PodSpec{NodeName: node}}
	if len(finalizers) > 0 {
		p.DeletionTimestamp = ptr.To(metav1.Now())
	}
	return p
}

// selecting makes the fake client honour the field selector of a list of pods, as a server does.
func selecting(client *fake.Clientset, pods ...*corev1.Pod) *fake.Clientset {
	client.PrependReactor("list", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		node, _ := action.(clienttesting.ListAction).GetListRestrictions().Fields.RequiresExactMatch("spec.nodeName")
		list := &corev1.PodList{}
		for _, p := range pods {
			if p.Spec.NodeName == node {
				list.Items = append(list.Items, *p)
			}
		}
		return true, list, nil
	})
	return client
}

// TestAbandon: what was on a dead machine is given up at once; what is elsewhere, or alive, is left alone.
func TestAbandon(t *testing.T) {
	dead, alive, stuck := podOn("w-1", "dead"), podOn("w-2", "alive"), podOn("w-1", "stuck", "example.com/hold")
	clientset := selecting(fake.NewClientset(worker("w-1", corev1.ConditionUnknown), worker("w-2", corev1.ConditionTrue), dead, alive, stuck), dead, alive, stuck)
	client := &Client{Typed: clientset}
	for range 2 { // the second time as after an interruption
		if err := client.Abandon(t.Context(), "w-1"); err != nil {
			t.Fatal(err)
		}
	}
	n, err := clientset.CoreV1().Nodes().Get(t.Context(), "w-1", metav1.GetOptions{})
	if err != nil || len(n.Spec.Taints) != 1 || n.Spec.Taints[0].Key != "node.kubernetes.io/out-of-service" || n.Spec.Taints[0].Effect != corev1.TaintEffectNoExecute || !n.Spec.Unschedulable {
		t.Errorf("%+v, %v", n.Spec, err)
	}
	var deleted []string
	for _, a := range clientset.Actions() {
		if d, ok := a.(clienttesting.DeleteActionImpl); ok {
			deleted = append(deleted, d.Name)
			if grace := d.DeleteOptions.GracePeriodSeconds; grace == nil || *grace != 0 {
				t.Errorf("%s is given time: %v", d.Name, grace)
			}
		}
	}
	if !slices.Equal(slices.Compact(deleted), []string{"dead"}) {
		t.Errorf("deleted %v", deleted)
	}

	if err := client.Abandon(t.Context(), "w-2"); !errors.Is(err, ErrAtWork) {
		t.Errorf("a node at work: %v", err)
	}
	if n, err := clientset.CoreV1().Nodes().Get(t.Context(), "w-2", metav1.GetOptions{}); err != nil || n.Spec.Unschedulable || len(n.Spec.Taints) > 0 {
		t.Errorf("a node at work became %+v, %v", n.Spec, err)
	}
	if err := client.Abandon(t.Context(), "w-3"); err != nil {
		t.Errorf("a node that is gone: %v", err)
	}
}

func TestAttached(t *testing.T) {
	attach := func(name, node string, volume *string) *storagev1.VolumeAttachment {
		return &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: storagev1.VolumeAttachmentSpec{NodeName: node, Source: storagev1.VolumeAttachmentSource{PersistentVolumeName: volume}}}
	}
	client := &Client{Typed: fake.NewClientset(attach("a", "w-1", ptr.To("pv-1")), attach("b", "w-1", nil), attach("c", "w-2", ptr.To("pv-2")))}
	got, err := client.Attached(t.Context(), "w-1")
	if err != nil || !slices.Equal(got, []string{"pv-1", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
}
