package bootstrap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate"
	"k8s.io/client-go/util/certificate/csr"
	"k8s.io/client-go/util/keyutil"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/pki"
)

// ensureClientCertificate asks the cluster for the kubelet's client certificate, with the token's rights, and leaves it
// where the kubelet renews it. The kubelet could ask by itself if it were given the token; so the token never
// lies on the disk. A certificate of this cluster that a run before this one got is kept.
func (r *Run) ensureClientCertificate(ctx context.Context, client kubernetes.Interface, node string) error {
	dir := filepath.Dir(components.KubeletClientCurrent)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	store, err := certificate.NewFileStore("kubelet-client", dir, dir, "", "")
	if err != nil {
		return fmt.Errorf("keep the kubelet's certificate: %w", err)
	}
	user := "system:node:" + node
	if pair, err := store.Current(); err == nil && r.holds(pair, user) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	keyText, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	request, err := cert.MakeCSR(key, &pkix.Name{CommonName: user, Organization: []string{"system:nodes"}}, nil, nil)
	if err != nil {
		return err
	}
	usages := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth}
	name, uid, err := csr.RequestCertificateWithContext(ctx, client, request, "", certificatesv1.KubeAPIServerClientKubeletSignerName, nil, usages, key)
	if err != nil {
		return fmt.Errorf("ask for the kubelet's certificate: %w", err)
	}
	ctx, cancel := r.within(ctx)
	defer cancel()
	text, err := csr.WaitForCertificate(ctx, client, name, uid)
	if err != nil {
		return fmt.Errorf("wait for the kubelet's certificate, request %s: %w", name, err)
	}
	_, err = store.Update(text, keyText)
	return err
}

// holds reports whether pair is good for some time yet, for user, and of this cluster.
func (r *Run) holds(pair *tls.Certificate, user string) bool {
	if pair.Leaf == nil || pair.Leaf.Subject.CommonName != user || time.Until(pair.Leaf.NotAfter) < time.Hour {
		return false
	}
	_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: r.roots(pki.Kubernetes), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}
