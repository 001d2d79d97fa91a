package components

import (
	"fmt"
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// encode marshals a typed configuration or object to YAML, without the empty fields that
// Kubernetes' Go types carry but nobody means (status, creationTimestamp: null).
func encode(object any) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", object, err)
	}
	delete(fields, "status")
	return yaml.Marshal(prune(fields))
}

// Unstructured turns a typed object into the form that server-side apply sends: only what is meant.
func Unstructured(object runtime.Object) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", object, err)
	}
	delete(fields, "status")
	return &unstructured.Unstructured{Object: prune(fields).(map[string]any)}, nil
}

// prune drops nulls and, inside objects, what became empty because of that. Empty maps that
// carry meaning (emptyDir: {}) are pointers to empty structs in Go and stay.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil {
				delete(v, k)
				continue
			}
			v[k] = prune(x)
			if m, ok := v[k].(map[string]any); ok && len(m) == 0 && pointless(k) {
				delete(v, k)
			}
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}

// pointless reports whether a field is one that Go's types print as {} although it is unset.
func pointless(field string) bool {
	switch field {
	case "resources", "strategy", "updateStrategy", "loadBalancer", "securityContext", "logging", "options", "metadata",
		"memorySwap", "crashLoopBackOff", "winkernel", "detectLocal", "x509":
		return true
	}
	return false
}

// typeMeta spells out kind and version, which typed objects do not carry by themselves.
func typeMeta(apiVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}
}

// DNSAddress is the tenth address of the service range, where every tool expects the cluster's DNS.
func (in *Input) DNSAddress() netip.Addr {
	a := in.Cluster.Network.Services.Masked().Addr()
	for range 10 {
		a = a.Next()
	}
	return a
}
