package kube

import "testing"

// TestWhatAnOlderServerReads: what it serves, and what it stores itself, also in a form that it serves no more.
func TestWhatAnOlderServerReads(t *testing.T) {
	const crd = "apiextensions.k8s.io/v1/CustomResourceDefinition"
	older := Forms{
		Kinds:  []string{"/v1/ConfigMap", crd, "storage.k8s.io/v1/VolumeAttributesClass"},
		Hashes: []string{storageHash("/v1/ConfigMap"), "jfWCUB31mvA="}, // CRDs, as v1beta1
	}
	if got := storageHash("apiextensions.k8s.io/v1beta1/CustomResourceDefinition"); got != older.Hashes[1] {
		t.Errorf("the hash of CRDs is %s, and API servers say %s", got, older.Hashes[1])
	}
	for _, test := range []struct {
		kind, stored string
		want         bool
	}{
		{"/v1/ConfigMap", "/v1/ConfigMap", true},
		{crd, "apiextensions.k8s.io/v1beta1/CustomResourceDefinition", true},
		{"storage.k8s.io/v1/VolumeAttributesClass", "storage.k8s.io/v1/VolumeAttributesClass", true},
		{"storage.k8s.io/v1/VolumeAttributesClass", "storage.k8s.io/v2/VolumeAttributesClass", false},
		{"new.k8s.io/v1/Thing", "new.k8s.io/v1/Thing", true}, // the older has no such kind, and does not look
	} {
		if got := older.reads(test.kind, storageHash(test.stored)); got != test.want {
			t.Errorf("%s stored as %s: %t", test.kind, test.stored, got)
		}
	}
	if !older.reads("/v1/Node", "") {
		t.Error("a kind that is not stored matters")
	}
}
