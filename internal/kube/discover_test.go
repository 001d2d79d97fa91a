package kube

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/cluster-bootstrap/token/jws"
)

const (
	someToken  = "abcdef.0123456789abcdef"
	otherToken = "ghijkl.0123456789abcdef"
)

// open is an API server that shows cluster-info to everybody, signed with tokens as the controller manager signs it.
type open struct {
	*httptest.Server
	Info   *corev1.ConfigMap // nil: there is none
	Behind time.Duration     // its clock is that much behind
}

func serveInfo(t *testing.T, tokens ...string) *open {
	t.Helper()
	o := &open{}
	o.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-o.Behind).UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Type", "application/json")
		var answer any = o.Info
		if o.Info == nil || !strings.HasSuffix(r.URL.Path, "/namespaces/kube-public/configmaps/cluster-info") {
			w.WriteHeader(http.StatusForbidden)
			answer = metav1.Status{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
				Status:   metav1.StatusFailure, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden, Message: "configmaps is forbidden",
			}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(o.Close)
	text, err := clientcmd.Write(clientcmdapi.Config{Clusters: map[string]*clientcmdapi.Cluster{
		"": {Server: "https://10.0.0.100:6443", CertificateAuthorityData: o.ca()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.Info = &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, Data: map[string]string{bootstrapapi.KubeConfigKey: string(text)}}
	for _, token := range tokens {
		id, secret, _ := strings.Cut(token, ".")
		signature, err := jws.ComputeDetachedSignature(string(text), id, secret)
		if err != nil {
			t.Fatal(err)
		}
		o.Info.Data[bootstrapapi.JWSSignatureKeyPrefix+id] = signature
	}
	return o
}

func (o *open) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.Certificate().Raw})
}

func (o *open) discover(t *testing.T, token string, hashes ...string) (*Discovery, error) {
	t.Helper()
	return Discover(t.Context(), strings.TrimPrefix(o.URL, "https://"), token, hashes)
}

func TestDiscover(t *testing.T) {
	o := serveInfo(t, otherToken, someToken)
	d, err := o.discover(t, someToken, "sha256:00", PublicKeyHash(o.Certificate()))
	if err != nil {
		t.Fatal(err)
	}
	if d.Server != "https://10.0.0.100:6443" || string(d.CA) != string(o.ca()) || d.Skew != 0 {
		t.Errorf("%+v", d)
	}
}

// TestDiscoverRefuses: whatever does not fit together is not trusted, and the error says what to do and no secret.
func TestDiscoverRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		token, hash string // "" for the right one
		spoil       func(*open)
		want        string
		remedy      string
		unreachable bool
	}{
		"no token":        {token: "abcdef.0123", want: "this is no token", remedy: "slipway join-command"},
		"a token unknown": {token: "zzzzzz.0123456789abcdef", want: "knows no token zzzzzz", remedy: "slipway join-command"},
		"a wrong secret":  {token: "abcdef.fedcba9876543210", want: "is not signed with this token", remedy: "mistyped"},
		"a wrong hash":    {hash: "sha256:00", want: "expected sha256:00", remedy: "another answers in the cluster's place"},
		"changed on the way": {spoil: func(o *open) {
			o.Info.Data[bootstrapapi.KubeConfigKey] += "# nothing but a comment\n"
		}, want: "is not signed with this token", remedy: "another answers"},
		"not open": {spoil: func(o *open) { o.Info = nil }, want: "is not open for joining", remedy: "slipway join-command"},
		"nobody":   {spoil: func(o *open) { o.Close() }, want: "does not answer as a cluster", remedy: "compare the endpoint", unreachable: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := serveInfo(t, someToken)
			token, hash := test.token, test.hash
			if token == "" {
				token = someToken
			}
			if hash == "" {
				hash = PublicKeyHash(o.Certificate())
			}
			if test.spoil != nil {
				test.spoil(o)
			}
			d, err := o.discover(t, token, hash)
			var refused *JoinError
			if d != nil && err == nil || !errors.As(err, &refused) {
				t.Fatalf("%+v, %v", d, err)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(refused.Remedy(), test.remedy) || refused.Unreachable != test.unreachable {
				t.Errorf("%v\n→ %s, unreachable %t", err, refused.Remedy(), refused.Unreachable)
			}
			if _, secret, _ := strings.Cut(token, "."); strings.Contains(err.Error()+refused.Remedy(), secret) {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

// TestDiscoverPins: without a hash nothing is trusted, though the token fits.
func TestDiscoverPins(t *testing.T) {
	o := serveInfo(t, someToken)
	if _, err := o.discover(t, someToken); err == nil || !strings.Contains(err.Error(), "no hash") {
		t.Error(err)
	}
}

// TestDiscoverNotesTheClock: of a whole second's precision, and zero where the clocks agree.
func TestDiscoverNotesTheClock(t *testing.T) {
	for _, behind := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		o := serveInfo(t, someToken)
		o.Behind = behind
		d, err := o.discover(t, someToken, PublicKeyHash(o.Certificate()))
		if err != nil {
			t.Fatal(err)
		}
		if off := (d.Skew + behind).Abs(); off > 2*time.Second {
			t.Errorf("a server %s behind: skew %s", behind, d.Skew)
		}
	}
}
