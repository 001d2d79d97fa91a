package pki

import (
	"net/netip"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const year = 8760 * time.Hour

// testCluster has every role, an endpoint by address and one more name.
func testCluster() *spec.Cluster {
	node := func(name string, role spec.Role, address string) spec.Node {
		return spec.Node{Name: name, Role: role, Address: netip.MustParseAddr(address)}
	}
	return &spec.Cluster{
		Name:     "prod",
		Endpoint: netip.MustParseAddrPort("10.0.0.100:6443"),
		Network:  spec.Network{Services: netip.MustParsePrefix("10.96.0.0/16"), DNS: "cluster.local"},
		PKI:      spec.PKI{Algorithm: "ecdsa-p256", CALifetime: 10 * year, Lifetime: year, ExtraSANs: []string{"api.example.com"}},
		Nodes: []spec.Node{
			node("cp-1", spec.ControlPlane, "10.0.0.11"), node("cp-2", spec.ControlPlane, "10.0.0.12"),
			node("cp-3", spec.ControlPlane, "10.0.0.13"), node("w-1", spec.Worker, "10.0.0.21"),
			node("lb-1", spec.LoadBalancer, "10.0.0.31"),
		},
	}
}

func create(t *testing.T, c *spec.Cluster) *Set {
	t.Helper()
	s, err := Create(c, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// copyOf is another Set of the same content: making one anew takes longer.
func copyOf(t *testing.T, s *Set) *Set {
	t.Helper()
	out, err := FromFiles(s.Files())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ensure(t *testing.T, s *Set, c *spec.Cluster, now time.Time) []Issued {
	t.Helper()
	issued, err := s.Ensure(c, now)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}
