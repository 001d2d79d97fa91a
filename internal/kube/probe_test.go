package kube

import (
	"net/netip"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// TestProbe: each is a Service of its own, with those servers behind it, and nothing is left of it.
func TestProbe(t *testing.T) {
	typed := fake.NewClientset()
	c := &Client{Typed: typed}
	for range 2 { // the second after a run that was cut off
		if _, err := c.AddProbe(t.Context(), "probe", 6443, netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("10.0.0.12")); err != nil {
			t.Fatal(err)
		}
	}
	slice, err := typed.DiscoveryV1().EndpointSlices(metav1.NamespaceSystem).Get(t.Context(), "probe", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(slice.Endpoints) != 2 || slice.Endpoints[1].Addresses[0] != "10.0.0.12" || *slice.Ports[0].Port != 6443 || slice.Labels["kubernetes.io/service-name"] != "probe" {
		t.Errorf("%+v", slice)
	}
	for range 2 { // also where there is none
		if err := c.DropProbe(t.Context(), "probe"); err != nil {
			t.Fatal(err)
		}
	}
	services, err := typed.CoreV1().Services(metav1.NamespaceSystem).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(services.Items) != 0 {
		t.Errorf("%v, %+v", err, services)
	}
	if _, err := c.AddProbe(t.Context(), "probe", 6443); err == nil {
		t.Error("a probe without a server")
	}
}
