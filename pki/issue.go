package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/cloudflare/cfssl/config"
	"github.com/cloudflare/cfssl/csr"
	"github.com/cloudflare/cfssl/log"
	"github.com/cloudflare/cfssl/signer"
	"github.com/cloudflare/cfssl/signer/local"
	"k8s.io/client-go/util/keyutil"
)

// backdate lets a machine whose clock is a little behind accept a certificate at once; kubeadm's value.
const backdate = 5 * time.Minute

// cfssl writes each request to standard error. What it has to say of a failure it returns as well.
func init() { log.Level = log.LevelFatal }

// order is one certificate to be made.
type order struct {
	cn, o     string
	hosts     []string
	usages    []string // in cfssl's words
	ca        bool
	algorithm string
	notBefore time.Time
	notAfter  time.Time
}

// leafUsages are the usages that kubeadm gives: the same two for keys of every kind, and the extended ones.
func leafUsages(u Usage) []string {
	out := []string{"digital signature", "key encipherment"}
	if u&Server != 0 {
		out = append(out, "server auth")
	}
	if u&Client != 0 {
		out = append(out, "client auth")
	}
	return out
}

// authorityUsages are those of kubeadm's authorities; cfssl's own initca would leave out the first two.
func authorityUsages() []string {
	return []string{"digital signature", "key encipherment", "cert sign"}
}

// sign makes a new key and a certificate for it, signed by caKey; a nil caCert makes it sign itself.
func (o order) sign(caCert *x509.Certificate, caKey crypto.Signer) (KeyPair, error) {
	kr, err := keyRequest(o.algorithm)
	if err != nil {
		return KeyPair{}, err
	}
	req := &csr.CertificateRequest{CN: o.cn, Hosts: o.hosts, KeyRequest: kr}
	if o.o != "" {
		req.Names = []csr.Name{{O: o.o}}
	}
	request, key, err := csr.ParseRequest(req)
	if err != nil {
		return KeyPair{}, fmt.Errorf("make a key: %w", err)
	}
	if caCert == nil {
		self, err := keyutil.ParsePrivateKeyPEM(key)
		if err != nil {
			return KeyPair{}, fmt.Errorf("read back the key: %w", err)
		}
		caKey = self.(crypto.Signer) // both kinds that keyRequest makes are
	}
	s, err := local.NewSigner(caKey, caCert, signer.DefaultSigAlgo(caKey), o.policy())
	if err != nil {
		return KeyPair{}, err
	}
	cert, err := s.Sign(signer.SignRequest{Request: string(request), NotBefore: o.notBefore, NotAfter: o.notAfter})
	if err != nil {
		return KeyPair{}, fmt.Errorf("sign: %w", err)
	}
	return KeyPair{Cert: cert, Key: key}, nil
}

func (o order) policy() *config.Signing {
	lifetime := o.notAfter.Sub(o.notBefore)
	return &config.Signing{Default: &config.SigningProfile{
		Usage: o.usages, Expiry: lifetime, ExpiryString: lifetime.String(),
		CAConstraint: config.CAConstraint{IsCA: o.ca},
	}}
}

// newAuthority makes a self-signed authority.
func newAuthority(a Authority, algorithm string, lifetime time.Duration, now time.Time) (KeyPair, error) {
	kp, err := order{
		cn: a.CN, usages: authorityUsages(), ca: true, algorithm: algorithm,
		notBefore: now.Add(-backdate), notAfter: now.Add(lifetime),
	}.sign(nil, nil)
	if err != nil {
		return KeyPair{}, fmt.Errorf("issue the %s authority: %w", a.Name, err)
	}
	return kp, nil
}

// newServiceAccountPair makes the pair that signs and verifies service-account tokens.
func newServiceAccountPair(algorithm string) (KeyPair, error) {
	kr, err := keyRequest(algorithm)
	if err != nil {
		return KeyPair{}, err
	}
	key, err := kr.Generate()
	if err != nil {
		return KeyPair{}, fmt.Errorf("make the service-account key: %w", err)
	}
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("encode the service-account key: %w", err)
	}
	public, err := publicPEM(key.(crypto.Signer))
	if err != nil {
		return KeyPair{}, fmt.Errorf("encode the service-account public key: %w", err)
	}
	return KeyPair{Cert: public, Key: private}, nil
}
