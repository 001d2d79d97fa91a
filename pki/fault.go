package pki

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

// renewal is how long before its end a certificate is renewed, at the most; short-lived ones
// when a third of their life is left.
const renewal = 30 * 24 * time.Hour

// fault says why kp will not do for p, "" when it will.
func (p place) fault(kp KeyPair, cluster *spec.Cluster, ca *x509.Certificate, now time.Time) string {
	if len(kp.Cert) == 0 && len(kp.Key) == 0 {
		return "missing"
	}
	cert, err := kp.parse()
	if err != nil {
		return "unreadable: " + err.Error()
	}
	if err := cert.CheckSignatureFrom(ca); err != nil {
		return "not signed by the cluster's " + p.CA + " authority"
	}
	for _, reason := range []string{
		p.subjectFault(cert),
		namesFault(hostsOf(cert), p.hosts(cluster, p.node)),
		usageFault(cert, p.Usage),
		timeFault(cert, ca, now),
	} {
		if reason != "" {
			return reason
		}
	}
	if got := algorithm(cert); got != cluster.PKI.Algorithm {
		return fmt.Sprintf("the key is %s, the spec says %s", got, cluster.PKI.Algorithm)
	}
	return ""
}

func (p place) subjectFault(cert *x509.Certificate) string {
	var groups []string
	if p.O != "" {
		groups = []string{p.O}
	}
	cn := p.commonName(p.node.Name)
	if cert.Subject.CommonName != cn || !slices.Equal(cert.Subject.Organization, groups) {
		return fmt.Sprintf("the subject is CN %q, O %q; CN %q, O %q is wanted", cert.Subject.CommonName, cert.Subject.Organization, cn, groups)
	}
	return ""
}

// hostsOf lists cert's subject alternative names in the form of Leaf.hosts.
func hostsOf(cert *x509.Certificate) []string {
	out := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		out = append(out, ip.String())
	}
	out = append(out, cert.EmailAddresses...)
	for _, u := range cert.URIs {
		out = append(out, u.String())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func namesFault(have, want []string) string {
	without := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	var parts []string
	if lacks := without(want, have); len(lacks) > 0 {
		parts = append(parts, "lacks the names "+strings.Join(lacks, ", "))
	}
	if extra := without(have, want); len(extra) > 0 {
		parts = append(parts, "has the needless names "+strings.Join(extra, ", "))
	}
	return strings.Join(parts, " and ")
}

func usageFault(cert *x509.Certificate, u Usage) string {
	var extended []x509.ExtKeyUsage
	if u&Server != 0 {
		extended = append(extended, x509.ExtKeyUsageServerAuth)
	}
	if u&Client != 0 {
		extended = append(extended, x509.ExtKeyUsageClientAuth)
	}
	have := slices.Sorted(slices.Values(cert.ExtKeyUsage))
	basic := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	if cert.IsCA || cert.KeyUsage != basic || !slices.Equal(have, extended) {
		return "the key usages differ from those wanted"
	}
	return ""
}

// timeFault finds a certificate that is not valid now, or that ends soon while a new one would last longer.
func timeFault(cert, ca *x509.Certificate, now time.Time) string {
	end := cert.NotAfter.Format(time.DateOnly)
	if now.Before(cert.NotBefore) {
		return "valid only from " + cert.NotBefore.UTC().Format(time.RFC3339)
	}
	if now.After(cert.NotAfter) {
		return "expired on " + end
	}
	early := min(cert.NotAfter.Sub(cert.NotBefore)/3, renewal)
	if now.After(cert.NotAfter.Add(-early)) && cert.NotAfter.Before(ca.NotAfter) {
		return "expires on " + end
	}
	return ""
}
