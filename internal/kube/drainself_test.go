package kube

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
	"k8s.io/utils/ptr"
)

func podOfWorker(name, owner string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: "w-1"}}
	if owner != "" {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: owner, Name: "o", Controller: ptr.To(true)}}
	}
	return p
}

// kubeletOnly is an API that lets do no more than a kubelet may. Evictions of pods named in budgets are refused.
func kubeletOnly(t *testing.T, budgets []string, pods ...runtime.Object) (*Client, *[]string) {
	t.Helper()
	typed, evicted := fake.NewClientset(pods...), &[]string{}
	typed.PrependReactor("*", "*", func(a k8stesting.Action) (bool, runtime.Object, error) {
		switch what := a.GetVerb() + " " + a.GetResource().Resource + "/" + a.GetSubresource(); what {
		case "list pods/":
			if f := a.(k8stesting.ListAction).GetListRestrictions().Fields.String(); f != "spec.nodeName=w-1" {
				t.Errorf("pods are listed by %q", f)
			}
			return false, nil, nil
		case "create pods/eviction":
			e := a.(k8stesting.CreateAction).GetObject().(*policyv1.Eviction)
			if slices.Contains(budgets, e.Name) {
				return true, nil, apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
			}
			*evicted = append(*evicted, e.Name)
			return true, nil, typed.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), e.Namespace, e.Name)
		default:
			t.Errorf("a kubelet may not %s", what)
			return true, nil, apierrors.NewForbidden(a.GetResource().GroupResource(), "", nil)
		}
	})
	return &Client{Typed: typed}, evicted
}

func TestDrainSelf(t *testing.T) {
	mirror := podOfWorker("etcd-w-1", "Node")
	mirror.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	done := podOfWorker("done", "DaemonSet")
	done.Status.Phase = corev1.PodSucceeded
	c, evicted := kubeletOnly(t, nil, mirror, done, podOfWorker("web", "ReplicaSet"), podOfWorker("alone", ""), podOfWorker("proxy", "DaemonSet"))
	if err := c.DrainSelf(t.Context(), "w-1", time.Minute, func([]string) {}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(*evicted)
	if want := []string{"alone", "done", "web"}; !slices.Equal(*evicted, want) {
		t.Errorf("evicted %q, want %q", *evicted, want)
	}
}

// TestDrainSelfRespectsBudgets: what stays, and why, is told when time is up.
func TestDrainSelfRespectsBudgets(t *testing.T) {
	c, evicted := kubeletOnly(t, []string{"web"}, podOfWorker("web", "ReplicaSet"), podOfWorker("alone", ""))
	var heard []string
	err := c.DrainSelf(t.Context(), "w-1", 1500*time.Millisecond, func(left []string) { heard = left })
	if err == nil || !strings.Contains(err.Error(), "default/web (a disruption budget keeps it: Cannot evict pod") {
		t.Errorf("%v", err)
	}
	if !slices.Equal(*evicted, []string{"alone"}) || len(heard) != 1 {
		t.Errorf("evicted %q, told of %q", *evicted, heard)
	}
}

func TestUncordonNamed(t *testing.T) {
	n := func(name, mark string) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{Unschedulable: true}}
		if mark != "" {
			n.Annotations = map[string]string{cordonedAnnotation: mark}
		}
		return n
	}
	typed := fake.NewClientset(n("w-1", "yes"), n("w-2", "yes"), n("w-3", ""))
	typed.PrependReactor("list", "nodes", func(a k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(a.GetResource().GroupResource(), "", nil)
	})
	c := &Client{Typed: typed}
	if err := c.Uncordon(t.Context(), "w-1", "w-3", "w-9"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"w-1": false, "w-2": true, "w-3": true} { // w-3 is somebody else's doing
		got, err := typed.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil || got.Spec.Unschedulable != want {
			t.Errorf("%s is unschedulable: %v, %v", name, got.Spec.Unschedulable, err)
		}
	}
}
