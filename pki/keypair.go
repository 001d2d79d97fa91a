package pki

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"

	"github.com/cloudflare/cfssl/helpers"
)

// KeyPair is a certificate and its private key, each in PEM. Of the service-account pair Cert is the bare
// public key. Whatever prints a KeyPair prints a hash of its certificate, and never the key.
type KeyPair struct {
	Cert []byte
	Key  []byte
}

// Format writes the redacted form under every verb.
func (k KeyPair) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.redacted()) }

// LogValue is the redacted form.
func (k KeyPair) LogValue() slog.Value { return slog.StringValue(k.redacted()) }

// MarshalJSON refuses: a key belongs into files of its own, not into plans, events or reports.
func (k KeyPair) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a key pair is not to be written as JSON")
}

func (k KeyPair) redacted() string {
	return "KeyPair(certificate " + fingerprint(k.Cert) + ", key redacted)"
}

// Secret is bytes that never print.
type Secret []byte

// Format writes the redacted form under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.redacted()) }

// LogValue is the redacted form.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.redacted()) }

// MarshalJSON refuses, as KeyPair's does.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a secret is not to be written as JSON")
}

func (s Secret) redacted() string { return fmt.Sprintf("Secret(%d bytes)", len(s)) }

func fingerprint(b []byte) string {
	if len(b) == 0 {
		return "absent"
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:8])
}

// parse returns the certificate after checking that Key is its private key.
func (k KeyPair) parse() (*x509.Certificate, error) {
	pair, err := tls.X509KeyPair(k.Cert, k.Key)
	if err != nil {
		return nil, err
	}
	return pair.Leaf, nil
}

// certificate returns the certificate alone: of an authority whose key is elsewhere.
func (k KeyPair) certificate() (*x509.Certificate, error) { return helpers.ParseCertificatePEM(k.Cert) }

// Address is the address that a node's certificate is for: the first that is not loopback.
func (k KeyPair) Address() (netip.Addr, error) {
	cert, err := k.certificate()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ip := range cert.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok && !a.IsLoopback() {
			return a.Unmap(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the certificate of %s bears no address", cert.Subject.CommonName)
}

// signer returns certificate and private key.
func (k KeyPair) signer() (*x509.Certificate, crypto.Signer, error) {
	cert, err := k.parse()
	if err != nil {
		return nil, nil, err
	}
	key, err := helpers.ParsePrivateKeyPEM(k.Key)
	if err != nil {
		return nil, nil, err
	}
	return cert, key, nil
}

// checkPublicKey is nil when the pair is a private key and its bare public key.
func (k KeyPair) checkPublicKey() error {
	key, err := helpers.ParsePrivateKeyPEM(k.Key)
	if err != nil {
		return fmt.Errorf("private key: %w", err)
	}
	want, err := publicPEM(key)
	if err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSpace(want), bytes.TrimSpace(k.Cert)) {
		return errors.New("public key and private key do not belong together")
	}
	return nil
}

func publicPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
