package bootstrap

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// begun is a cluster of one control plane, with or without an address of its own.
func begun(t *testing.T, endpoint string) *spec.Cluster {
	t.Helper()
	c := &spec.Cluster{Name: "test", Kubernetes: "1.36.3", Nodes: []spec.Node{declare("cp-1", spec.ControlPlane, "10.0.0.11")}}
	c.LoadBalancer.Kind = spec.Direct
	if endpoint != "" {
		c.Endpoint, c.LoadBalancer.Kind = netip.MustParseAddrPort(endpoint), spec.VIP
	}
	out, err := reread(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWithControlPlane(t *testing.T) {
	c := begun(t, "10.0.0.100:6443")
	second := declare("cp-2", spec.ControlPlane, "10.0.0.12")
	grown, err := withControlPlane(c, second)
	if err != nil || len(grown.ControlPlanes()) != 2 {
		t.Fatalf("%v: %v", grown, err)
	}
	again, err := withControlPlane(grown, second)
	if err != nil || string(spec.Write(again)) != string(spec.Write(grown)) {
		t.Errorf("its second try is another cluster: %v", err)
	}
	for want, n := range map[string]spec.Node{
		"of this name already":                       declare("cp-1", spec.ControlPlane, "10.0.0.13"),
		"its address 10.0.0.11 is that of node cp-1": declare("cp-3", spec.ControlPlane, "10.0.0.11"),
	} {
		if _, err := withControlPlane(grown, n); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", n.Name, want, err)
		}
	}
	if _, err := withControlPlane(begun(t, ""), second); err == nil || !strings.Contains(err.Error(), "no endpoint") {
		t.Errorf("without an endpoint: %v", err)
	}
}

// TestRedeclare: who changes the declaration starts from what it is by then.
func TestRedeclare(t *testing.T) {
	c := begun(t, "10.0.0.100:6443")
	client := fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: components.DeclarationName, Namespace: metav1.NamespaceSystem},
		Data:       map[string]string{components.DeclarationKey: string(spec.Write(c))},
	})
	for _, n := range []spec.Node{declare("cp-2", spec.ControlPlane, "10.0.0.12"), declare("cp-3", spec.ControlPlane, "10.0.0.13")} {
		err := redeclare(t.Context(), client, func(c *spec.Cluster) error {
			c.Nodes = append(c.Nodes, n)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	now, err := declaredIn(context.Background(), client, "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range now.ControlPlanes() {
		names = append(names, n.Name)
	}
	if !slices.Equal(names, []string{"cp-1", "cp-2", "cp-3"}) {
		t.Errorf("declared: %q", names)
	}
}

// TestBalancer: what a machine makes of the declaration is what whoever made the machine would make of it.
func TestBalancer(t *testing.T) {
	r := newRun(t)
	c, err := withControlPlane(begun(t, "10.0.0.100:6443"), declare("cp-2", spec.ControlPlane, "10.0.0.12"))
	if err != nil {
		t.Fatal(err)
	}
	in := components.Input{
		Cluster: c, Certs: r.certs, Facts: map[string]node.Facts{"cp-1": {Addresses: map[string]string{"10.0.0.11": "eth0"}}},
		Payload: components.Payload{Images: map[string]node.Image{"loadbalancer": {Ref: "example/lb:v1", Manifest: node.Blob{Digest: "sha256:12"}}}},
	}
	want, err := in.Balancer(c.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	seen := BalancerSeen{
		CA: r.certs.CA("kubernetes").Cert, Images: map[string]string{"example/lb:v1": "sha256:12"},
		Addresses: map[string]string{"10.0.0.11": "eth0", "127.0.0.1": "lo"},
		Manifest:  []byte("spec: {containers: [{name: haproxy, image: 'example/lb:v1'}]}"),
	}
	got, marks, err := Balancer(spec.Write(c), "cp-1", seen)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Part || len(got.Resources) != len(want.Resources) || marks["haproxy"] == "" || marks["keepalived"] == "" {
		t.Fatalf("part %v, %d resources, marks %v", got.Part, len(got.Resources), marks)
	}
	for i, w := range want.Resources {
		if g := got.Resources[i]; g.ID() != w.ID() || w.File != nil && string(g.File.Content) != string(w.File.Content) {
			t.Errorf("%s differs:\n%s\n%s", w.ID(), w.File.Content, g.File.Content)
		}
	}
	seen.Images = nil
	if _, _, err := Balancer(spec.Write(c), "cp-1", seen); err == nil {
		t.Error("an image that the machine has not was taken")
	}
}
