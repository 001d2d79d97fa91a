package kube

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/jws"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// Discovery is a cluster as a machine finds it that knows an address, a token, and a hash of the authority.
type Discovery struct {
	Server string        // URL by which the cluster calls itself
	CA     []byte        // PEM, checked
	Skew   time.Duration // of the server's clock, less this machine's
}

// JoinError is a cluster that cannot be joined as asked, and what to do about it.
type JoinError struct {
	what, remedy string
	Unreachable  bool // nobody answered
}

func (e *JoinError) Error() string  { return e.what }
func (e *JoinError) Remedy() string { return e.remedy }

const newToken = "on a control plane, slipway join-command prints a command that is good for a day"

// Discover finds a cluster's authority and checks it twice: that cluster-info is signed with the token, and that the
// authority in it has one of the hashes ("sha256:" and hex of its public key info), as kubeadm join does:
// https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-join/#token-based-discovery-with-ca-pinning
// Only then is it trusted. Failures that the user can mend are a *JoinError.
func Discover(ctx context.Context, endpoint, token string, hashes []string) (*Discovery, error) {
	if !bootstraputil.IsValidBootstrapToken(token) {
		return nil, &JoinError{what: "this is no token: one has six characters, a dot and sixteen, lower-case letters and digits", remedy: newToken}
	}
	d := &Discovery{}
	info, err := d.info(ctx, &rest.Config{Host: "https://" + endpoint, Timeout: 30 * time.Second, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		return nil, err
	}
	id, secret, _ := strings.Cut(token, ".")
	signature, signed := info.Data[bootstrapapi.JWSSignatureKeyPrefix+id]
	if !signed {
		return nil, &JoinError{what: "the cluster knows no token " + id + ": it has expired, was deleted, or is another cluster's", remedy: newToken}
	}
	text := info.Data[bootstrapapi.KubeConfigKey]
	if !jws.DetachedTokenIsValid(signature, text, id, secret) {
		return nil, &JoinError{what: "what " + endpoint + " says is not signed with this token", remedy: "the token was mistyped, or another answers in the cluster's place: " + newToken}
	}
	if err := d.read(text); err != nil {
		return nil, err
	}
	return d, d.pin(endpoint, hashes)
}

// info reads cluster-info, and the server's clock from the answer.
func (d *Discovery) info(ctx context.Context, config *rest.Config) (*corev1.ConfigMap, error) {
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return dated{rt, d} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	info, err := client.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, bootstrapapi.ConfigMapClusterInfo, metav1.GetOptions{})
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err) {
		return nil, &JoinError{what: config.Host + " is not open for joining: " + err.Error(), remedy: newToken}
	}
	if lost := new(url.Error); errors.As(err, &lost) {
		return nil, &JoinError{
			what: config.Host + " does not answer as a cluster: " + lost.Err.Error(), Unreachable: true,
			remedy: "compare the endpoint with what slipway join-command prints on a control plane; see that a control plane runs and no firewall is in between",
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ask %s which cluster it is: %w", config.Host, err)
	}
	return info, nil
}

// dated notes by how much the server's clock differs.
type dated struct {
	http.RoundTripper
	into *Discovery
}

func (t dated) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := time.Now()
	answer, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	said, dateErr := http.ParseTime(answer.Header.Get("Date")) // of whole seconds; a server without a date has no skew
	if earliest, latest := asked.Add(-time.Second), time.Now(); dateErr == nil && said.Before(earliest) {
		t.into.Skew = said.Sub(earliest)
	} else if dateErr == nil && said.After(latest) {
		t.into.Skew = said.Sub(latest)
	}
	return answer, err
}

func (d *Discovery) read(text string) error {
	config, err := clientcmd.Load([]byte(text))
	if err != nil {
		return fmt.Errorf("cluster-info: %w", err)
	}
	clusters := slices.Collect(func(yield func(*clientcmdapi.Cluster) bool) {
		for _, c := range config.Clusters {
			if !yield(c) {
				return
			}
		}
	})
	if len(clusters) != 1 {
		return fmt.Errorf("cluster-info names %d clusters, one was expected", len(clusters))
	}
	d.Server, d.CA = clusters[0].Server, clusters[0].CertificateAuthorityData
	return nil
}

// pin wants one of the authority's certificates to have one of the hashes.
func (d *Discovery) pin(endpoint string, hashes []string) error {
	certs, err := cert.ParseCertsPEM(d.CA)
	if err != nil {
		return fmt.Errorf("the authority of %s: %w", endpoint, err)
	}
	got := PublicKeyHash(certs[0])
	if slices.Contains(hashes, got) {
		return nil
	}
	if len(hashes) == 0 {
		return errors.New("no hash of the cluster's authority was given")
	}
	return &JoinError{what: fmt.Sprintf("the authority of %s has the hash %s, expected %s", endpoint, got, strings.Join(hashes, " or ")),
		remedy: "the hash was mistyped, or another answers in the cluster's place; compare with slipway join-command on a control plane"}
}

// PublicKeyHash is how an authority is pinned: "sha256:" and hex of its public key info.
func PublicKeyHash(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}
