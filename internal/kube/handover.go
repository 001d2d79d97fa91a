package kube

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	bootstraputil "k8s.io/cluster-bootstrap/token/util"
)

// expiresAnnotation says when a handover must not be used any more, also while nobody has deleted it yet.
const expiresAnnotation = "slipway.dev/expires"

// HandOver keeps data in a Secret of kube-system, in the place of what it held, until expires. A token that can be used
// for nothing owns it, as kubeadm does it: Kubernetes deletes the token when it has expired, and with it what it owns.
func (c *Client) HandOver(ctx context.Context, name string, data map[string][]byte, expires time.Time) error {
	owner, err := c.expiring(ctx, name, expires)
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: metav1.NamespaceSystem,
			Annotations:     map[string]string{expiresAnnotation: expires.UTC().Format(time.RFC3339)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Secret", Name: owner.Name, UID: owner.UID}},
		},
		Data: data,
	}
	secrets := c.Typed.CoreV1().Secrets(metav1.NamespaceSystem)
	_, err = secrets.Create(ctx, secret, metav1.CreateOptions{FieldManager: FieldManager})
	if apierrors.IsAlreadyExists(err) {
		_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: FieldManager})
	}
	if err != nil {
		return fmt.Errorf("keep the Secret %s: %w", name, err)
	}
	return nil
}

// expiring is a token that does nothing but expire.
func (c *Client) expiring(ctx context.Context, what string, expires time.Time) (*corev1.Secret, error) {
	token, err := bootstraputil.GenerateBootstrapToken()
	if err != nil {
		return nil, err
	}
	id, secret, _ := strings.Cut(token, ".")
	owner, err := c.Typed.CoreV1().Secrets(metav1.NamespaceSystem).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: bootstraputil.BootstrapTokenSecretName(id), Namespace: metav1.NamespaceSystem},
		Type:       corev1.SecretTypeBootstrapToken,
		StringData: map[string]string{
			bootstrapapi.BootstrapTokenIDKey:          id,
			bootstrapapi.BootstrapTokenSecretKey:      secret,
			bootstrapapi.BootstrapTokenDescriptionKey: "lets nobody in; the Secret " + what + " goes when it expires",
			bootstrapapi.BootstrapTokenExpirationKey:  expires.UTC().Format(time.RFC3339),
		},
	}, metav1.CreateOptions{FieldManager: FieldManager})
	if err != nil {
		return nil, fmt.Errorf("create token %s: %w", id, err)
	}
	return owner, nil
}

const newCertificateKey = "on a control plane, slipway join-command --control-plane prints a command that is good for two hours"

// WrongKey is a certificate key that does not open what was handed over.
func WrongKey(why string) *JoinError { return &JoinError{what: why, remedy: newCertificateKey} }

// HandedOver reads what HandOver kept, unless that has expired: a *JoinError.
func HandedOver(ctx context.Context, client kubernetes.Interface, name string, now time.Time) (map[string][]byte, error) {
	secret, err := client.CoreV1().Secrets(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err): // before the first handover nobody may ask
		return nil, WrongKey("the cluster has no certificates to hand over: they are kept for two hours after they were offered")
	case err != nil:
		return nil, fmt.Errorf("read the cluster's certificates: %w", err)
	}
	expires, err := time.Parse(time.RFC3339, secret.Annotations[expiresAnnotation])
	if err != nil {
		return nil, fmt.Errorf("the Secret %s does not say until when it is good: %w", name, err)
	}
	if now.After(expires) {
		return nil, WrongKey("the certificate key has expired, " + now.Sub(expires).Round(time.Second).String() + " ago")
	}
	return secret.Data, nil
}
