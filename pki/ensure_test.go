package pki

import (
	"bytes"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/spec"
)

func TestEnsureIsIdempotent(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	before := s.Files()
	for _, later := range []time.Duration{0, time.Minute, 300 * 24 * time.Hour} {
		if issued := ensure(t, s, c, testNow.Add(later)); len(issued) > 0 {
			t.Errorf("after %s: %v", later, issued)
		}
	}
	if !maps.EqualFunc(before, s.Files(), bytes.Equal) {
		t.Error("files changed")
	}
}

func TestEnsureIssuesWhatDiffers(t *testing.T) {
	base := create(t, testCluster())
	for name, test := range map[string]struct {
		change func(*spec.Cluster, *Set)
		count  int
		node   string
		leaf   string
		reason string
	}{
		"a node's address": {func(c *spec.Cluster, _ *Set) { c.Nodes[3].Address = netip.MustParseAddr("10.0.0.99") },
			1, "w-1", KubeletServing, "lacks the names 10.0.0.99 and has the needless names 10.0.0.21"},
		"endpoint": {func(c *spec.Cluster, _ *Set) { c.Endpoint = netip.MustParseAddrPort("10.0.0.101:6443") },
			3, "cp-2", APIServer, "lacks the names 10.0.0.101 and has the needless names 10.0.0.100"},
		"endpoint's name": {func(c *spec.Cluster, _ *Set) { c.EndpointName = "k8s.example.com" },
			3, "cp-2", APIServer, "lacks the names k8s.example.com"},
		"balancer on each node": {func(c *spec.Cluster, _ *Set) { c.LoadBalancer.Kind = spec.NodeLocal },
			3, "cp-1", APIServer, "lacks the names 127.0.0.1, ::1, localhost"},
		"one more name in another spelling": {func(c *spec.Cluster, _ *Set) {
			c.PKI.ExtraSANs = append(c.PKI.ExtraSANs, "2001:0db8::0001", "::ffff:10.0.0.11", "api.example.com")
		}, 3, "cp-1", APIServer, "lacks the names 2001:db8::1"},
		"a new node": {func(c *spec.Cluster, _ *Set) {
			c.Nodes = append(c.Nodes, spec.Node{Name: "w-2", Role: spec.Worker, Address: netip.MustParseAddr("10.0.0.22")})
		}, 2, "w-2", Kubelet, "missing"},
		"a worker turned control plane": {func(c *spec.Cluster, _ *Set) { c.Nodes[3].Role = spec.ControlPlane },
			9, "w-1", EtcdPeer, "missing"},
		"algorithm": {func(c *spec.Cluster, _ *Set) { c.PKI.Algorithm, c.Nodes = "rsa-2048", c.Nodes[3:4] },
			4, "w-1", Kubelet, "the key is ecdsa-p256, the spec says rsa-2048"},
		"another's certificate": {func(_ *spec.Cluster, s *Set) { s.put("w-1", Kubelet, s.leaves["cp-1"][Kubelet]) },
			1, "w-1", Kubelet, `the subject is CN "system:node:cp-1", O ["system:nodes"]; CN "system:node:w-1", O ["system:nodes"] is wanted`},
		"usages": {func(_ *spec.Cluster, s *Set) { s.put("cp-1", EtcdHealthcheckClient, forgeUsage(s)) },
			1, "cp-1", EtcdHealthcheckClient, "the key usages differ from those wanted"},
		"torn pair": {func(_ *spec.Cluster, s *Set) {
			s.put("w-1", Kubelet, KeyPair{Cert: s.leaves["w-1"][Kubelet].Cert, Key: s.leaves["cp-1"][Kubelet].Key})
		}, 1, "w-1", Kubelet, "unreadable: tls: private key does not match public key"},
		"authority": {func(_ *spec.Cluster, s *Set) {
			s.authorities[Etcd] = s.authorities[FrontProxy]
		}, 12, "cp-3", EtcdServer, "not signed by the cluster's etcd authority"},
		"nothing": {func(*spec.Cluster, *Set) {}, 0, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := testCluster(), copyOf(t, base)
			id := s.ClusterID()
			test.change(c, s)
			issued := ensure(t, s, c, testNow)
			if len(issued) != test.count {
				t.Errorf("%d issued, want %d: %v", len(issued), test.count, issued)
			}
			found := test.leaf == ""
			for _, i := range issued {
				if i.Node == test.node && i.Name == test.leaf {
					found = true
					if i.Reason != test.reason {
						t.Errorf("reason %q, want %q", i.Reason, test.reason)
					}
				}
			}
			if !found {
				t.Errorf("%s on %s was not issued: %v", test.leaf, test.node, issued)
			}
			if again := ensure(t, s, c, testNow); len(again) > 0 {
				t.Errorf("a second time: %v", again)
			}
			if s.ClusterID() != id {
				t.Error("the cluster's id changed")
			}
		})
	}
}

// forgeUsage is the health check's certificate with a usage too many.
func forgeUsage(s *Set) KeyPair {
	ca, key, err := s.authorities[Etcd].signer()
	if err != nil {
		panic(err)
	}
	kp, err := order{cn: "kube-etcd-healthcheck-client", usages: leafUsages(Client | Server), algorithm: "ecdsa-p256",
		notBefore: testNow.Add(-time.Hour), notAfter: testNow.Add(year)}.sign(ca, key)
	if err != nil {
		panic(err)
	}
	return kp
}

func TestEnsureRenewsInTime(t *testing.T) {
	day := 24 * time.Hour
	for _, test := range []struct {
		lifetime, age time.Duration
		want          string
	}{
		{year, 334 * day, ""},
		{year, 336 * day, "expires on 2027-03-01"},
		{year, 366 * day, "expired on 2027-03-01"},
		{year, -time.Hour, "valid only from 2026-03-01T11:55:00Z"},
		{3 * day, 47 * time.Hour, ""},
		{3 * day, 49 * time.Hour, "expires on 2026-03-04"},
		{10 * year, 3660 * day, "expired"}, // of the authority itself
	} {
		c := testCluster()
		c.PKI.Lifetime, c.Nodes = test.lifetime, c.Nodes[3:]
		s := create(t, c)
		issued, err := s.Ensure(c, testNow.Add(test.age))
		switch {
		case test.want == "expired":
			if err == nil || !strings.Contains(err.Error(), "authority expired on") {
				t.Errorf("with an expired authority: %v", err)
			}
		case err != nil:
			t.Fatal(err)
		case test.want == "" && len(issued) > 0:
			t.Errorf("%s into %s: %v", test.age, test.lifetime, issued)
		case test.want != "" && (len(issued) != len(places(c)) || issued[0].Reason != test.want):
			t.Errorf("%s into %s: %d issued, the first %v; want %q", test.age, test.lifetime, len(issued), issued[:min(1, len(issued))], test.want)
		}
	}
}

// A leaf that ends with its authority cannot be made to last longer; renewing it at each run would never stop.
func TestEnsureRestsAtTheAuthoritysEnd(t *testing.T) {
	c := testCluster()
	c.PKI.CALifetime, c.PKI.Lifetime = 20*24*time.Hour, year
	s := create(t, c)
	for _, e := range s.Expiries() {
		if e.NotAfter.After(testNow.Add(c.PKI.CALifetime)) {
			t.Errorf("%s on %s outlives its authority", e.Name, e.Node)
		}
	}
	if issued := ensure(t, s, c, testNow.Add(19*24*time.Hour)); len(issued) > 0 {
		t.Errorf("issued: %v", issued)
	}
}

func TestEnsureDropsUndeclaredNodes(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	c.Nodes = c.Nodes[:3]
	if issued := ensure(t, s, c, testNow); len(issued) > 0 {
		t.Errorf("issued: %v", issued)
	}
	if left := s.Node("w-1"); len(left) > 0 {
		t.Errorf("%d leaves of a node that is gone", len(left))
	}
}

func TestEnsureNeverMakesRoots(t *testing.T) {
	base := create(t, testCluster())
	for name, lose := range map[string]func(*Set){
		"the kubernetes authority":  func(s *Set) { delete(s.authorities, Kubernetes) },
		"the etcd authority":        func(s *Set) { s.authorities[Etcd] = KeyPair{} },
		"the front-proxy authority": func(s *Set) { s.authorities[FrontProxy] = s.leaves["cp-1"][FrontProxyClient] },
		"the service-account pair":  func(s *Set) { s.ServiceAccount.Key = nil },
		"the encryption key":        func(s *Set) { s.EncryptionKey = nil },
	} {
		c, s := testCluster(), copyOf(t, base)
		lose(s)
		before := s.Files()
		c.Endpoint = netip.MustParseAddrPort("10.0.0.101:6443")
		if _, err := s.Ensure(c, testNow); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		if diff := cmp.Diff(len(before), len(s.Files())); diff != "" || !maps.EqualFunc(before, s.Files(), bytes.Equal) {
			t.Errorf("without %s the set changed", name)
		}
	}
}
