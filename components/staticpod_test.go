package components

import "testing"

// TestUIDOfAStaticPod: the same as long as the pod is the same, and another's on another node.
func TestUIDOfAStaticPod(t *testing.T) {
	p := staticPod{name: "etcd", node: "cp-1"}
	if a, b := p.uid("x"), p.uid("x"); a != b || len(a) != 32 {
		t.Errorf("%s, then %s", a, b)
	}
	seen := map[string]bool{}
	for _, other := range []staticPod{p, {name: "etcd", node: "cp-2"}, {name: "haproxy", node: "cp-1"}} {
		for _, mark := range []string{"x", "y"} {
			seen[string(other.uid(mark))] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d UIDs of 6 pods", len(seen))
	}
}
