// Package pki issues and keeps everything secret of one cluster: certificate authorities, leaf certificates,
// the service-account pair and the key that seals Secrets in etcd. It makes them in memory; the operator's
// state directory and the machines keep them.
package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/slipway/slipway/internal/spec"
)

// encryptionKeySize is what secretbox takes.
const encryptionKeySize = 32

// Set is everything of one cluster. Reading is safe for concurrent use, Ensure is not.
type Set struct {
	ServiceAccount KeyPair // Cert is the bare public key
	EncryptionKey  Secret  // 32 bytes, for secretbox

	authorities map[string]KeyPair
	leaves      map[string]map[string]KeyPair // by node ("" for the shared ones) and name
}

func newSet() *Set {
	return &Set{authorities: map[string]KeyPair{}, leaves: map[string]map[string]KeyPair{}}
}

// Create makes everything that cluster needs, valid from five minutes before now.
func Create(cluster *spec.Cluster, now time.Time) (*Set, error) {
	if cluster.PKI.CALifetime <= 0 {
		return nil, fmt.Errorf("ca_lifetime is %s: it must be positive", cluster.PKI.CALifetime)
	}
	s := newSet()
	var err error
	for _, a := range Authorities() {
		if s.authorities[a.Name], err = newAuthority(a, cluster.PKI.Algorithm, cluster.PKI.CALifetime, now); err != nil {
			return nil, err
		}
	}
	if s.ServiceAccount, err = newServiceAccountPair(cluster.PKI.Algorithm); err != nil {
		return nil, err
	}
	if s.EncryptionKey, err = newEncryptionKey(); err != nil {
		return nil, err
	}
	if _, err = s.Ensure(cluster, now); err != nil {
		return nil, err
	}
	return s, nil
}

func newEncryptionKey() (Secret, error) {
	key := make(Secret, encryptionKeySize)
	if _, err := io.ReadFull(rand.Reader, key); err != nil {
		return nil, fmt.Errorf("make the encryption key: %w", err)
	}
	return key, nil
}

// CA returns the authority of that name; the zero KeyPair when there is none.
func (s *Set) CA(name string) KeyPair { return s.authorities[name] }

// Node returns the leaves that the node's machine holds, by name: its own, and on control planes the
// shared admin. The map is the caller's.
func (s *Set) Node(name string) map[string]KeyPair {
	out := map[string]KeyPair{}
	if name == "" {
		return out
	}
	own := s.leaves[name]
	for _, l := range Table() {
		kp, ok := own[l.Name]
		if l.Shared && l.Kubeconfig != "" {
			_, onControlPlane := own[APIServer]
			kp, ok = s.leaves[""][l.Name], onControlPlane
		}
		if ok && len(kp.Cert) > 0 {
			out[l.Name] = kp
		}
	}
	return out
}

// Shared returns the cluster-wide leaf of that name, Admin or SuperAdmin; the zero KeyPair when there is none.
func (s *Set) Shared(name string) KeyPair { return s.leaves[""][name] }

// ClusterID identifies the cluster by its authority: 32 hex digits. It is "" for a nil Set.
func (s *Set) ClusterID() string {
	if s == nil {
		return ""
	}
	cert, err := s.authorities[Kubernetes].certificate()
	if err != nil {
		return "" // checked wherever a Set comes from
	}
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:16])
}

// CAHash is the hash by which kubeadm join would pin the cluster's authority: "sha256:" and hex of its public key info.
func (s *Set) CAHash() string {
	cert, err := s.authorities[Kubernetes].certificate()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Format names the cluster and nothing of what the Set holds, under every verb.
func (s Set) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Set(cluster %s)", s.ClusterID()) }

// Trusted is what a machine knows of a cluster that it joins: the certificate of its authority, and nothing secret. It
// can name the cluster and check it, and issue nothing.
func Trusted(ca []byte) (*Set, error) {
	s := newSet()
	s.authorities[Kubernetes] = KeyPair{Cert: ca}
	if _, err := s.authorities[Kubernetes].certificate(); err != nil {
		return nil, fmt.Errorf("the cluster's authority: %w", err)
	}
	return s, nil
}
