package approver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// request is what the kubelet of w-1 asks for, after change.
func request(t *testing.T, change func(*certificatesv1.CertificateSigningRequestSpec, *x509.CertificateRequest)) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	spec := certificatesv1.CertificateSigningRequestSpec{
		Username: "system:node:w-1", Groups: []string{"system:nodes", "system:authenticated"}, SignerName: certificatesv1.KubeletServingSignerName,
		Usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
	}
	template := &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: "system:node:w-1", Organization: []string{"system:nodes"}},
		DNSNames: []string{"w-1"}, IPAddresses: []net.IP{net.ParseIP("10.0.0.21")},
	}
	if change != nil {
		change(&spec, template)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Request == nil {
		spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	}
	return &certificatesv1.CertificateSigningRequest{Spec: spec}
}

func node(name string, addresses ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, a := range addresses {
		n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: a})
	}
	return n
}

func TestJudge(t *testing.T) {
	type spec = certificatesv1.CertificateSigningRequestSpec
	type x = x509.CertificateRequest
	ip := func(text string) func(*spec, *x) {
		return func(_ *spec, r *x) { r.IPAddresses = append(r.IPAddresses, net.ParseIP(text)) }
	}
	for name, c := range map[string]struct {
		change func(*spec, *x)
		want   string // part of the refusal, "" for approval
	}{
		"its own names":         {nil, ""},
		"another's address":     {ip("10.0.0.22"), "10.0.0.22 is not among"},
		"an address of two":     {ip("10.0.0.30"), "10.0.0.30 is of node w-2, too"},
		"the API's address":     {ip("10.0.0.100"), "10.0.0.100 is the API's"},
		"the API's name":        {func(_ *spec, r *x) { r.DNSNames = []string{"kubernetes"} }, "kubernetes is not among"},
		"nothing at all":        {func(_ *spec, r *x) { r.DNSNames, r.IPAddresses = nil, nil }, "no name or address"},
		"another's subject":     {func(_ *spec, r *x) { r.Subject.CommonName = "system:node:w-2" }, "not the kubelet's own"},
		"a subject of masters":  {func(_ *spec, r *x) { r.Subject.Organization = []string{"system:nodes", "system:masters"} }, "not the kubelet's own"},
		"a URI":                 {func(_ *spec, r *x) { r.URIs = []*url.URL{{Scheme: "spiffe", Host: "a"}} }, "URIs"},
		"a user of another":     {func(s *spec, _ *x) { s.Username = "system:node:w-2" }, "not the kubelet's own"},
		"no node":               {func(s *spec, _ *x) { s.Username = "admin" }, "is no kubelet"},
		"no member of nodes":    {func(s *spec, _ *x) { s.Groups = nil }, "is no kubelet"},
		"a client certificate":  {func(s *spec, _ *x) { s.Usages = append(s.Usages, certificatesv1.UsageClientAuth) }, "client auth"},
		"no server certificate": {func(s *spec, _ *x) { s.Usages = s.Usages[:1] }, "not for a server"},
		"something else":        {func(s *spec, _ *x) { s.Request = []byte("hello") }, "not one certificate request"},
		"a node of nobody": {func(s *spec, r *x) {
			s.Username, r.Subject.CommonName = "system:node:w-9", "system:node:w-9"
		}, "no node w-9 yet"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := []*corev1.Node{node("w-1", "10.0.0.21", "10.0.0.30", "10.0.0.100"), node("w-2", "10.0.0.22", "10.0.0.30")}
			err := Judge(request(t, c.change), nodes, []string{"10.0.0.100"})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
