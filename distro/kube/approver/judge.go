package approver

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
)

const (
	nodeUser  = "system:node:" // a kubelet's user, with its node's name
	nodeGroup = "system:nodes"
)

// Judge says whether a request for a serving certificate comes from the kubelet whose names and addresses it bears,
// nil if so. nodes are all of the cluster's; reserved are names and addresses of the API itself, which a
// node that claims them as its own must not get a certificate for, since the same authority signs the API servers'.
//
// Upstream leaves this judgement to whoever runs the cluster:
// https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#certificate-rotation
func Judge(csr *certificatesv1.CertificateSigningRequest, nodes []*corev1.Node, reserved []string) error {
	name, isNode := strings.CutPrefix(csr.Spec.Username, nodeUser)
	if !isNode || !slices.Contains(csr.Spec.Groups, nodeGroup) {
		return fmt.Errorf("%s is no kubelet", csr.Spec.Username)
	}
	if err := judgeUsages(csr.Spec.Usages); err != nil {
		return err
	}
	request, err := parse(csr.Spec.Request)
	if err != nil {
		return err
	}
	if s := request.Subject; s.CommonName != csr.Spec.Username || !slices.Equal(s.Organization, []string{nodeGroup}) {
		return fmt.Errorf("the subject is %q of %q, not the kubelet's own", s.CommonName, s.Organization)
	}
	if len(request.EmailAddresses) > 0 || len(request.URIs) > 0 {
		return errors.New("it bears e-mail addresses or URIs")
	}
	wanted := slices.Clone(request.DNSNames)
	for _, ip := range request.IPAddresses {
		wanted = append(wanted, ip.String())
	}
	return judgeNames(name, wanted, nodes, reserved)
}

func judgeUsages(usages []certificatesv1.KeyUsage) error {
	allowed := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageKeyEncipherment, certificatesv1.UsageServerAuth}
	for _, u := range usages {
		if !slices.Contains(allowed, u) {
			return fmt.Errorf("it is to be used for %q", u)
		}
	}
	if !slices.Contains(usages, certificatesv1.UsageServerAuth) {
		return errors.New("it is not for a server")
	}
	return nil
}

func parse(text []byte) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, errors.New("it is not one certificate request in PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	return request, request.CheckSignature()
}

// judgeNames wants each name to be the node's own by its Node, and nobody else's.
func judgeNames(name string, wanted []string, nodes []*corev1.Node, reserved []string) error {
	if len(wanted) == 0 {
		return errors.New("it bears no name or address")
	}
	own, others := []string(nil), map[string]string{}
	for _, n := range nodes {
		for _, a := range append(addresses(n), n.Name) {
			if n.Name == name {
				own = append(own, a)
			} else {
				others[a] = n.Name
			}
		}
	}
	if own == nil {
		return fmt.Errorf("there is no node %s yet", name)
	}
	for _, w := range wanted {
		switch other, taken := others[w]; {
		case !slices.Contains(own, w):
			return fmt.Errorf("%s is not among the names and addresses of node %s", w, name)
		case taken:
			return fmt.Errorf("%s is of node %s, too", w, other)
		case slices.Contains(reserved, w):
			return fmt.Errorf("%s is the API's", w)
		}
	}
	return nil
}

func addresses(n *corev1.Node) (out []string) {
	for _, a := range n.Status.Addresses {
		out = append(out, a.Address)
	}
	return out
}
