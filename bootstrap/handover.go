package bootstrap

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/pki"
)

// handoverLasts is how long certificates can be taken that were offered, as with kubeadm.
const handoverLasts = 2 * time.Hour

const certificateKeySize = 32

// offerCertificates puts what a control plane must have into the cluster, sealed with a key that is said this once.
func (r *Run) offerCertificates(ctx context.Context, client *kube.Client, in *components.Input) (key string, err error) {
	files, err := in.Handover()
	if err != nil {
		return "", err
	}
	secret := make([]byte, certificateKeySize)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	sealed, err := seal(files, secret)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(secret), client.HandOver(ctx, components.CertificatesName, sealed, time.Now().Add(handoverLasts))
}

// takeCertificates opens what was offered with key, and makes sure that it is of the cluster that was discovered.
func (r *Run) takeCertificates(ctx context.Context, client kubernetes.Interface, key string, now time.Time) error {
	secret, err := hex.DecodeString(strings.TrimSpace(key))
	if err != nil || len(secret) != certificateKeySize {
		return kube.WrongKey(fmt.Sprintf("the certificate key is none: it has %d hexadecimal digits", 2*certificateKeySize))
	}
	sealed, err := kube.HandedOver(ctx, client, components.CertificatesName, now)
	if err != nil {
		return err
	}
	files, err := unseal(sealed, secret)
	if err != nil {
		return kube.WrongKey("the certificate key does not open the cluster's certificates: it was mistyped, or they were offered anew since")
	}
	certs, err := pki.Rebuild(map[string]map[string][]byte{"the cluster": files})
	if err != nil {
		return err
	}
	if certs.ClusterID() != r.certs.ClusterID() {
		return errors.New("the certificates that were handed over are of another cluster than the one that answers")
	}
	r.certs = certs
	return nil
}

// seal encrypts files for a Secret, by names that one may have. Each is bound to its path.
func seal(files map[string][]byte, key []byte) (map[string][]byte, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for name, text := range files {
		nonce := make([]byte, aead.NonceSize())
		if _, err := rand.Read(nonce); err != nil {
			return nil, err
		}
		out[sealedName(name)] = aead.Seal(nonce, nonce, text, []byte(name))
	}
	return out, nil
}

// unseal is the inverse of seal.
func unseal(sealed map[string][]byte, key []byte) (map[string][]byte, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for short, text := range sealed {
		name := openedName(short)
		if len(text) < aead.NonceSize() {
			return nil, fmt.Errorf("%s is cut off", name)
		}
		nonce, text := text[:aead.NonceSize()], text[aead.NonceSize():]
		if out[name], err = aead.Open(nil, nonce, text, []byte(name)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// All of it lies below one directory: etcd/ca.crt there is etcd_ca.crt in the Secret.
func sealedName(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, layout.PKI+"/"), "/", "_")
}

func openedName(short string) string {
	return path.Join(layout.PKI, strings.ReplaceAll(short, "_", "/"))
}
