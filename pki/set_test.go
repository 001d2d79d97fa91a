package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateGivesEachNodeItsLeaves(t *testing.T) {
	s := create(t, testCluster())
	onControlPlane := []string{Admin, APIServer, APIServerEtcdClient, APIServerKubeletClient, ControllerManager,
		EtcdHealthcheckClient, EtcdPeer, EtcdServer, FrontProxyClient, Kubelet, KubeletServing, Scheduler}
	for node, want := range map[string][]string{
		"cp-1": onControlPlane, "cp-3": onControlPlane, "w-1": {Kubelet, KubeletServing}, "lb-1": nil, "unknown": nil, "": nil,
	} {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(s.Node(node)))); diff != "" {
			t.Errorf("leaves of %q: %s", node, diff)
		}
	}
	if len(s.Shared(SuperAdmin).Key) == 0 {
		t.Error("the operator has no super-admin")
	}
	if len(s.EncryptionKey) != 32 || bytes.Equal(s.EncryptionKey, make([]byte, 32)) {
		t.Error("the encryption key is not 32 random bytes")
	}
	if err := s.ServiceAccount.checkPublicKey(); err != nil {
		t.Error(err)
	}
}

// TestEveryLeafVerifies builds the chain that a TLS peer would, for each usage of each leaf.
func TestEveryLeafVerifies(t *testing.T) {
	c := testCluster()
	s := create(t, c)
	for _, p := range places(c) {
		kp := s.leaves[p.node.Name][p.Name]
		pair, err := tls.X509KeyPair(kp.Cert, kp.Key)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		for usage, extended := range map[Usage]x509.ExtKeyUsage{Server: x509.ExtKeyUsageServerAuth, Client: x509.ExtKeyUsageClientAuth} {
			for _, a := range Authorities() {
				roots := x509.NewCertPool()
				roots.AppendCertsFromPEM(s.CA(a.Name).Cert)
				names := []string{""}
				if usage == Server && p.SANs != NoSANs {
					names = p.hosts(c, p.node)
				}
				for _, name := range names {
					_, err := pair.Leaf.Verify(x509.VerifyOptions{
						Roots: roots, DNSName: name, CurrentTime: testNow, KeyUsages: []x509.ExtKeyUsage{extended},
					})
					want := p.CA == a.Name && p.Usage&usage != 0
					if (err == nil) != want {
						t.Errorf("%s against %s, usage %v, name %q: %v", p, a.Name, extended, name, err)
					}
				}
			}
		}
	}
}

func TestAlgorithms(t *testing.T) {
	for _, alg := range []string{"ecdsa-p256", "rsa-2048"} {
		c := testCluster()
		c.PKI.Algorithm, c.Nodes = alg, c.Nodes[3:4]
		s := create(t, c)
		for _, kp := range []KeyPair{s.CA(Kubernetes), s.Node("w-1")[Kubelet]} {
			cert, err := kp.parse()
			if err != nil {
				t.Fatal(err)
			}
			if got := algorithm(cert); got != alg {
				t.Errorf("algorithm %s, want %s", got, alg)
			}
		}
		if _, ok := mustSigner(t, s.CA(Kubernetes)).(*ecdsa.PrivateKey); ok != (alg == "ecdsa-p256") {
			t.Errorf("%s: ECDSA is %v", alg, ok)
		}
	}
	for alg, bits := range map[string]int{"rsa-3072": 3072, "rsa-4096": 4096} { // making such keys takes seconds
		if kr, err := keyRequest(alg); err != nil || kr.Algo() != "rsa" || kr.Size() != bits {
			t.Errorf("%s: %v, %v", alg, kr, err)
		}
	}
	c := testCluster()
	c.PKI.Algorithm = "md5"
	if _, err := Create(c, testNow); err == nil || !strings.Contains(err.Error(), "use ecdsa-p256") {
		t.Errorf("unknown algorithm: %v", err)
	}
}

func mustSigner(t *testing.T, kp KeyPair) crypto.Signer {
	t.Helper()
	_, key, err := kp.signer()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestIdentity(t *testing.T) {
	s := create(t, testCluster())
	id := s.ClusterID()
	if len(id) != 32 || id == create(t, testCluster()).ClusterID() {
		t.Errorf("cluster id %q", id)
	}
	der, err := x509.MarshalPKIXPublicKey(mustSigner(t, s.CA(Kubernetes)).Public())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.CAHash(), fmt.Sprintf("sha256:%x", sha256.Sum256(der)); got != want {
		t.Errorf("hash of the authority %s, want %s", got, want)
	}
	if id := (*Set)(nil).ClusterID(); id != "" {
		t.Errorf("cluster id of no set: %q", id)
	}
}

// TestNothingSecretPrints looks for the keys in all that a log, an error or a report could do with them.
func TestNothingSecretPrints(t *testing.T) {
	s := create(t, testCluster())
	kp := s.CA(Kubernetes)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "pair", kp, "set", s, "key", s.EncryptionKey)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "pair", kp, "set", s, "key", s.EncryptionKey)
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{kp, &kp, s, *s, []KeyPair{kp}, struct{ S *Set }{s}, s.EncryptionKey, []Secret{s.EncryptionKey}} {
			out += fmt.Sprintf(verb, v)
		}
	}
	for _, secret := range []string{
		"PRIVATE KEY", fmt.Sprintf("%x", "PRIVATE KEY"), strings.Trim(fmt.Sprintf("%d", []byte("PRIVATE KEY")), "[]"),
		fmt.Sprintf("%x", []byte(s.EncryptionKey)), strings.Trim(fmt.Sprintf("%d", []byte(s.EncryptionKey)), "[]"),
	} {
		if strings.Contains(out, secret) {
			t.Errorf("found %.20q in what was printed", secret)
		}
	}
	for _, v := range []any{kp, s.EncryptionKey, *s} {
		if _, err := json.Marshal(v); err == nil {
			t.Errorf("%T was written as JSON", v)
		}
	}
}

func TestFilesRoundTrip(t *testing.T) {
	s := create(t, testCluster())
	files := s.Files()
	got, err := FromFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(got.Files(), files, bytes.Equal) {
		t.Error("the set read back differs")
	}
	if issued := ensure(t, got, testCluster(), testNow); len(issued) > 0 {
		t.Errorf("issued again: %v", issued)
	}
	for _, lost := range []string{"pki/ca.crt", "pki/etcd/ca.key", "pki/front-proxy-ca.key", "pki/sa.key", "pki/sa.pub", "pki/encryption.key"} {
		damaged := maps.Clone(files)
		delete(damaged, lost)
		if _, err := FromFiles(damaged); err == nil {
			t.Errorf("no error without %s", lost)
		}
	}
	swapped := maps.Clone(files)
	swapped["pki/ca.key"] = files["pki/etcd/ca.key"]
	if _, err := FromFiles(swapped); err == nil || !strings.Contains(err.Error(), "kubernetes authority") {
		t.Errorf("an authority with another's key: %v", err)
	}
}

func TestExpiries(t *testing.T) {
	c := testCluster()
	c.Nodes = c.Nodes[3:4]
	var names []string
	for _, e := range create(t, c).Expiries() {
		names = append(names, e.Node+"/"+e.Name)
		want := testNow.Add(c.PKI.Lifetime)
		if e.CA {
			want = testNow.Add(c.PKI.CALifetime)
		}
		if !e.NotAfter.Equal(want) {
			t.Errorf("%s ends %s, want %s", e.Name, e.NotAfter, want)
		}
	}
	want := []string{"/kubernetes", "/etcd", "/front-proxy", "/admin", "/super-admin", "w-1/kubelet", "w-1/kubelet-serving"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkEnsure(b *testing.B) {
	c := testCluster()
	s, err := Create(c, testNow)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Ensure(c, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	c := testCluster()
	for b.Loop() {
		if _, err := Create(c, testNow); err != nil {
			b.Fatal(err)
		}
	}
}
