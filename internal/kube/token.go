package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// Token is a bootstrap token, without what makes it one. Kubernetes deletes it when it has expired.
// https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
type Token struct {
	ID          string    `json:"id"`
	Expires     time.Time `json:"expires,omitzero"` // zero: never
	Description string    `json:"description,omitempty"`
	Groups      []string  `json:"groups"`
}

// CreateToken makes a token that lets machines join as members of group, and returns it whole. It is said this once.
func (c *Client) CreateToken(ctx context.Context, group, description string, expires time.Time) (string, error) {
	token, err := bootstraputil.GenerateBootstrapToken()
	if err != nil {
		return "", err
	}
	id, secret, _ := strings.Cut(token, ".")
	data := map[string]string{
		bootstrapapi.BootstrapTokenIDKey:               id,
		bootstrapapi.BootstrapTokenSecretKey:           secret,
		bootstrapapi.BootstrapTokenDescriptionKey:      description,
		bootstrapapi.BootstrapTokenExtraGroupsKey:      group,
		bootstrapapi.BootstrapTokenUsageAuthentication: "true",
		bootstrapapi.BootstrapTokenUsageSigningKey:     "true",
	}
	if !expires.IsZero() {
		data[bootstrapapi.BootstrapTokenExpirationKey] = expires.UTC().Format(time.RFC3339)
	}
	_, err = c.Typed.CoreV1().Secrets(metav1.NamespaceSystem).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: bootstraputil.BootstrapTokenSecretName(id), Namespace: metav1.NamespaceSystem},
		Type:       corev1.SecretTypeBootstrapToken, StringData: data,
	}, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return "", fmt.Errorf("create token %s: %w", id, err)
	}
	return token, nil
}

// Signed waits for nothing: it reports whether cluster-info is signed with the token already, which is when machines
// can join with it.
func (c *Client) Signed(ctx context.Context, token string) error {
	id, _, _ := strings.Cut(token, ".")
	info, err := c.Typed.CoreV1().ConfigMaps(metav1.NamespacePublic).Get(ctx, bootstrapapi.ConfigMapClusterInfo, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if _, signed := info.Data[bootstrapapi.JWSSignatureKeyPrefix+id]; !signed {
		return fmt.Errorf("cluster-info is not signed with token %s yet", id)
	}
	return nil
}

// Tokens lists the tokens there are, by id, expired ones too until Kubernetes has deleted them.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	secrets, err := c.Typed.CoreV1().Secrets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{FieldSelector: "type=" + string(corev1.SecretTypeBootstrapToken)})
	if err != nil {
		return nil, err
	}
	byID := map[string]Token{}
	for _, s := range secrets.Items {
		t := Token{ID: string(s.Data[bootstrapapi.BootstrapTokenIDKey]), Description: string(s.Data[bootstrapapi.BootstrapTokenDescriptionKey])}
		if groups := string(s.Data[bootstrapapi.BootstrapTokenExtraGroupsKey]); groups != "" {
			t.Groups = strings.Split(groups, ",")
		}
		if text, ok := s.Data[bootstrapapi.BootstrapTokenExpirationKey]; ok {
			if t.Expires, err = time.Parse(time.RFC3339, string(text)); err != nil {
				return nil, fmt.Errorf("token %s: %w", t.ID, err)
			}
		}
		byID[t.ID] = t
	}
	var out []Token
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		out = append(out, byID[id])
	}
	return out, nil
}

// DeleteToken deletes a token by its id, or by the whole of it.
func (c *Client) DeleteToken(ctx context.Context, token string) error {
	id, _, _ := strings.Cut(token, ".")
	if !bootstraputil.IsValidBootstrapTokenID(id) {
		return fmt.Errorf("a token's id is six lower-case letters and digits, and this is none: see slipway token list")
	}
	err := c.Typed.CoreV1().Secrets(metav1.NamespaceSystem).Delete(ctx, bootstraputil.BootstrapTokenSecretName(id), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no token %s: see slipway token list", id)
	}
	return err
}
