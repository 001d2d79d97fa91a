package kube

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// keeper is a client of an API that keeps Secrets as the real one does: what is written as text is read as bytes.
func keeper() *Client {
	typed := fake.NewClientset()
	typed.PrependReactor("create", "secrets", func(a clienttesting.Action) (bool, runtime.Object, error) {
		s := a.(clienttesting.CreateAction).GetObject().(*corev1.Secret)
		s.Data = map[string][]byte{}
		for k, v := range s.StringData {
			s.Data[k] = []byte(v)
		}
		s.StringData = nil
		return false, nil, nil
	})
	return &Client{Typed: typed}
}

func TestTokens(t *testing.T) {
	ctx, c := t.Context(), keeper()
	expires := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	first, err := c.CreateToken(ctx, "some:group", "rack 7", expires)
	if err != nil || !bootstraputil.IsValidBootstrapToken(first) {
		t.Fatal(err)
	}
	second, err := c.CreateToken(ctx, "some:group", "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Tokens(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []Token{
		{ID: first[:6], Expires: expires, Description: "rack 7", Groups: []string{"some:group"}},
		{ID: second[:6], Groups: []string{"some:group"}},
	}
	if want[0].ID > want[1].ID {
		want[0], want[1] = want[1], want[0]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := c.DeleteToken(ctx, first[:6]); err != nil {
		t.Error(err)
	}
	if err := c.DeleteToken(ctx, second); err != nil { // by the whole of it
		t.Error(err)
	}
	if got, err := c.Tokens(ctx); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestTokenIsAsKubernetesWantsIt: the API authenticates with it and signs with it until it expires.
func TestTokenIsAsKubernetesWantsIt(t *testing.T) {
	ctx, c := t.Context(), keeper()
	token, err := c.CreateToken(ctx, "some:group", "", time.Date(2031, 2, 3, 5, 5, 6, 0, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	id, secret, _ := strings.Cut(token, ".")
	s, err := c.Typed.CoreV1().Secrets("kube-system").Get(ctx, "bootstrap-token-"+id, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Type != bootstrapapi.SecretTypeBootstrapToken {
		t.Errorf("type %s", s.Type)
	}
	for key, want := range map[string]string{
		"token-id": id, "token-secret": secret, "expiration": "2031-02-03T04:05:06Z", "auth-extra-groups": "some:group",
		"usage-bootstrap-authentication": "true", "usage-bootstrap-signing": "true",
	} {
		if got := string(s.Data[key]); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestDeleteTokenRefuses(t *testing.T) {
	for id, want := range map[string]string{"nope": "six lower-case letters and digits", "abcdef": "there is no token abcdef"} {
		if err := keeper().DeleteToken(t.Context(), id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestDamagedToken: one that nobody can read is named, and does not pass for one that never expires.
func TestDamagedToken(t *testing.T) {
	c := keeper()
	_, err := c.Typed.CoreV1().Secrets("kube-system").Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "bootstrap-token-abcdef"}, Type: corev1.SecretTypeBootstrapToken,
		StringData: map[string]string{bootstrapapi.BootstrapTokenIDKey: "abcdef", bootstrapapi.BootstrapTokenExpirationKey: "tomorrow"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if tokens, err := c.Tokens(t.Context()); err == nil || !strings.Contains(err.Error(), "token abcdef") {
		t.Errorf("%v, %v", tokens, err)
	}
}

// TestSigned tells a token that can be used already from one that is only written down.
func TestSigned(t *testing.T) {
	c := &Client{Typed: fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-public", Name: "cluster-info"}, Data: map[string]string{bootstrapapi.JWSSignatureKeyPrefix + "abcdef": "x"},
	})}
	if err := c.Signed(t.Context(), someToken); err != nil {
		t.Error(err)
	}
	if err := c.Signed(t.Context(), otherToken); err == nil || strings.Contains(err.Error(), "0123456789abcdef") {
		t.Error(err)
	}
}
