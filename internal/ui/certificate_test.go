package ui

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issued is a certificate for key, signed by the authority of that name and key, as PEM.
func issued(t *testing.T, key *ecdsa.PrivateKey, authority string, signer *ecdsa.PrivateKey, cn string, expires time.Time, sans ...string) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: cn}, NotBefore: noon, NotAfter: expires}
	for _, s := range sans {
		if ip := net.ParseIP(s); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, s)
		}
	}
	ski := signer.X.Bytes()[:20]
	parent := &x509.Certificate{Subject: pkix.Name{CommonName: authority}, SubjectKeyId: ski}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCertificatesInWords(t *testing.T) {
	key, ca, otherCA := newKey(t), newKey(t), newKey(t)
	year := func(n int) time.Time { return noon.AddDate(n, 0, 0) }
	one := issued(t, key, "kubernetes-ca", ca, "kube-apiserver", year(1), "kubernetes", "10.0.0.11")
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"renewed": {one, issued(t, key, "kubernetes-ca", ca, "kube-apiserver", year(2), "kubernetes", "10.0.0.11", "10.0.0.5"),
			[]string{"certificate: expires 2027-03-14 → 2028-03-14, SANs +10.0.0.5"}},
		"the same again": {one, issued(t, key, "kubernetes-ca", ca, "kube-apiserver", year(1), "kubernetes", "10.0.0.11"),
			[]string{"certificate: issued anew, with the same subject, SANs, key and expiry"}},
		"later that day": {one, issued(t, key, "kubernetes-ca", ca, "kube-apiserver", year(1).Add(time.Hour), "kubernetes", "10.0.0.11"),
			[]string{"certificate: expires 2027-03-14 12:00:00 → 2027-03-14 13:00:00"}},
		"everything": {one, issued(t, newKey(t), "other-ca", otherCA, "kube", year(1), "10.0.0.12"),
			[]string{"certificate: subject CN=kube-apiserver → CN=kube, issuer CN=kubernetes-ca → CN=other-ca, SANs +10.0.0.12 -kubernetes -10.0.0.11, another key"}},
		"another authority of that name": {one, issued(t, key, "kubernetes-ca", otherCA, "kube-apiserver", year(1), "kubernetes", "10.0.0.11"),
			[]string{"certificate: signed by another CN=kubernetes-ca"}},
		"new": {"", one, []string{"certificate: subject CN=kube-apiserver, expires 2027-03-14, SANs kubernetes 10.0.0.11"}},
		"damaged": {strings.ToLower(one), one,
			[]string{"what is there is no certificate", "certificate: subject CN=kube-apiserver, expires 2027-03-14, SANs kubernetes 10.0.0.11"}},
		"one more": {one, one + issued(t, key, "x", ca, "next", year(3)), []string{"+ certificate: subject CN=next, expires 2029-03-14"}},
		"no PEM":   {"a: 1\nb: 2\n", "a: 1\nb: 3\n", nil},
		"goes":     {one, "", nil},
	} {
		words, ok := pemWords(test.before, test.after, "→")
		if d := cmp.Diff(test.want, words); d != "" || ok != (test.want != nil) {
			t.Errorf("%s: %t %s", name, ok, d)
		}
	}
}

func TestPublicKeysInWords(t *testing.T) {
	public := func() string {
		der, err := x509.MarshalPKIXPublicKey(newKey(t).Public())
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	words, ok := pemWords(public(), public(), "→")
	if !ok || len(words) != 1 || !regexp.MustCompile(`^public key: sha256:[0-9a-f]{12} → sha256:[0-9a-f]{12}$`).MatchString(words[0]) {
		t.Errorf("%t %q", ok, words)
	}
}

// TestPlanTellsCertificates: words where the letters say nothing, hashes of keys as ever, and JSON holds the text.
func TestPlanTellsCertificates(t *testing.T) {
	key := newKey(t)
	before := issued(t, key, "ca", key, "etcd", noon.AddDate(1, 0, 0), "cp-1")
	after := issued(t, key, "ca", key, "etcd", noon.AddDate(2, 0, 0), "cp-1", "10.0.0.5")
	p := &plan.Plan{Cluster: "prod", Nodes: []plan.Node{{Name: "cp-1", Changes: []node.Change{
		{ID: "file /etc/kubernetes/pki/etcd/server.crt", Action: node.Update, Before: before, After: after},
	}}}}
	o, stdout, _ := output(Text)
	if err := o.Plan(p, false); err != nil {
		t.Fatal(err)
	}
	want := "  ~ file /etc/kubernetes/pki/etcd/server.crt\n      certificate: expires 2027-03-14 → 2028-03-14, SANs +10.0.0.5\n"
	if got := stdout.String(); !strings.Contains(got, want) || strings.Contains(got, "BEGIN") {
		t.Error(got)
	}
	o, stdout, _ = output(JSON)
	if err := o.Plan(p, false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "BEGIN CERTIFICATE") {
		t.Error(stdout)
	}
}
