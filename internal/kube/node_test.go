package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func taint(key string, effect corev1.TaintEffect) corev1.Taint {
	return corev1.Taint{Key: key, Effect: effect}
}

func live(labels map[string]string, taints ...corev1.Taint) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "w-1", Labels: labels}, Spec: corev1.NodeSpec{Taints: taints}}
}

// TestWishesComeAndGo follows one node through changes of the file: what Slipway set it takes back, what
// others set it leaves, also when both touch the same node.
func TestWishesComeAndGo(t *testing.T) {
	n := live(map[string]string{"kubernetes.io/hostname": "w-1", "people": "own"}, taint("node.kubernetes.io/unreachable", corev1.TaintEffectNoExecute))
	first := NodeWish{Labels: map[string]string{"zone": "a", "disk": "fast"}, Taints: []corev1.Taint{taint("gpu", corev1.TaintEffectNoSchedule)}}
	n = first.onto(n)
	want := map[string]string{"kubernetes.io/hostname": "w-1", "people": "own", "zone": "a", "disk": "fast"}
	if diff := cmp.Diff(want, n.Labels); diff != "" {
		t.Error(diff)
	}
	if len(n.Spec.Taints) != 2 || n.Spec.Taints[1].Key != "gpu" {
		t.Errorf("taints %v", n.Spec.Taints)
	}
	if diff := cmp.Diff(n, first.onto(n)); diff != "" {
		t.Errorf("a second time: %s", diff)
	}

	n.Labels["people"] = "changed"
	n.Spec.Taints = append(n.Spec.Taints, taint("people", corev1.TaintEffectNoSchedule))
	second := NodeWish{Labels: map[string]string{"zone": "b"}}
	n = second.onto(n)
	want = map[string]string{"kubernetes.io/hostname": "w-1", "people": "changed", "zone": "b"}
	if diff := cmp.Diff(want, n.Labels); diff != "" {
		t.Error(diff)
	}
	if len(n.Spec.Taints) != 2 || n.Spec.Taints[0].Key != "node.kubernetes.io/unreachable" || n.Spec.Taints[1].Key != "people" {
		t.Errorf("taints %v", n.Spec.Taints)
	}
	if got, want := n.Annotations[ownedAnnotation], `{"labels":["zone"]}`; got != want {
		t.Errorf("owned %s, want %s", got, want)
	}
}

// TestWishLeavesLiveAlone: the caller compares the two afterwards.
func TestWishLeavesLiveAlone(t *testing.T) {
	n := live(map[string]string{"a": "1"}, taint("x", corev1.TaintEffectNoSchedule))
	n.Annotations = map[string]string{ownedAnnotation: `{"labels":["a"],"taints":["x:NoSchedule"]}`}
	before := n.DeepCopy()
	NodeWish{Labels: map[string]string{"b": "2"}}.onto(n)
	if diff := cmp.Diff(before, n); diff != "" {
		t.Error(diff)
	}
}

// TestUnreadableOwnership takes nothing back rather than what might be others'.
func TestUnreadableOwnership(t *testing.T) {
	n := live(map[string]string{"a": "1"})
	n.Annotations = map[string]string{ownedAnnotation: "garbage", "other": "kept"}
	got := NodeWish{Labels: map[string]string{"b": "2"}}.onto(n)
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, got.Labels); diff != "" {
		t.Error(diff)
	}
	if got.Annotations["other"] != "kept" || got.Annotations[ownedAnnotation] != `{"labels":["b"]}` {
		t.Errorf("annotations %v", got.Annotations)
	}
}

func TestMergeTaints(t *testing.T) {
	since := metav1.NewTime(time.Unix(1, 0))
	no, ex := corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute
	old := corev1.Taint{Key: "a", Value: "1", Effect: ex, TimeAdded: &since}
	for name, test := range map[string]struct {
		live, wished []corev1.Taint
		ours         []string
		want         []corev1.Taint
	}{
		"nothing":              {nil, nil, nil, nil},
		"a first one":          {nil, []corev1.Taint{taint("a", no)}, nil, []corev1.Taint{taint("a", no)}},
		"order is no change":   {[]corev1.Taint{taint("b", no), taint("x", no), taint("a", no)}, []corev1.Taint{taint("a", no), taint("b", no)}, []string{"a:NoSchedule", "b:NoSchedule"}, []corev1.Taint{taint("b", no), taint("x", no), taint("a", no)}},
		"another value":        {[]corev1.Taint{old}, []corev1.Taint{{Key: "a", Value: "2", Effect: ex}}, []string{"a:NoExecute"}, []corev1.Taint{{Key: "a", Value: "2", Effect: ex, TimeAdded: &since}}},
		"another effect":       {[]corev1.Taint{taint("a", no)}, []corev1.Taint{taint("a", ex)}, []string{"a:NoSchedule"}, []corev1.Taint{taint("a", ex)}},
		"taken back":           {[]corev1.Taint{taint("a", no), taint("x", no)}, nil, []string{"a:NoSchedule"}, []corev1.Taint{taint("x", no)}},
		"others' of that name": {[]corev1.Taint{taint("a", ex)}, nil, []string{"a:NoSchedule"}, []corev1.Taint{taint("a", ex)}},
		"gone already":         {nil, nil, []string{"a:NoSchedule"}, nil},
		"removed by hand":      {nil, []corev1.Taint{taint("a", no)}, []string{"a:NoSchedule"}, []corev1.Taint{taint("a", no)}},
	} {
		if diff := cmp.Diff(test.want, mergeTaints(test.live, test.wished, test.ours)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestNulled: a merge patch deletes what is null and leaves what it does not name.
func TestNulled(t *testing.T) {
	got := nulled(map[string]string{"a": "1", "b": "2"}, map[string]string{"b": "3", "c": "4"})
	if diff := cmp.Diff(map[string]any{"a": nil, "b": "3", "c": "4"}, got); diff != "" {
		t.Error(diff)
	}
}
