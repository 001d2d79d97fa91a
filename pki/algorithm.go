package pki

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/cloudflare/cfssl/csr"
)

// keyRequest turns the spec's name of an algorithm into cfssl's.
func keyRequest(algorithm string) (*csr.KeyRequest, error) {
	switch algorithm {
	case "ecdsa-p256":
		return &csr.KeyRequest{A: "ecdsa", S: 256}, nil
	case "rsa-2048":
		return &csr.KeyRequest{A: "rsa", S: 2048}, nil
	case "rsa-3072":
		return &csr.KeyRequest{A: "rsa", S: 3072}, nil
	case "rsa-4096":
		return &csr.KeyRequest{A: "rsa", S: 4096}, nil
	}
	return nil, fmt.Errorf("key algorithm %q is unknown: use ecdsa-p256, rsa-2048, rsa-3072 or rsa-4096", algorithm)
}

// algorithm names the kind of key that cert is for, in the spec's words where it has them.
func algorithm(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ecdsa-p%d", key.Curve.Params().BitSize)
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa-%d", key.N.BitLen())
	}
	return cert.PublicKeyAlgorithm.String()
}
