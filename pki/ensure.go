package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/spec"
)

// Issued is one leaf that was made anew.
type Issued struct {
	Node   string // "" for a shared leaf
	Name   string
	Reason string // why, in words
}

// place is one leaf on one node.
type place struct {
	Leaf
	node spec.Node // zero for a shared leaf
}

func (p place) String() string {
	if p.Shared {
		return p.Name
	}
	return p.Name + " for " + p.node.Name
}

// places lists every leaf that cluster needs, in the order of its nodes and of the table.
func places(cluster *spec.Cluster) []place {
	var out []place
	for _, n := range cluster.Nodes {
		for _, l := range Table() {
			if !l.Shared && l.On(n.Role) {
				out = append(out, place{Leaf: l, node: n})
			}
		}
	}
	for _, l := range Table() {
		if l.Shared {
			out = append(out, place{Leaf: l})
		}
	}
	return out
}

// Ensure issues each leaf of cluster that is missing, soon to expire, of another shape than the spec asks for,
// or not signed by the Set's authority, and drops those of nodes that are no longer declared. It is idempotent.
// It never makes an authority, service-account pair or encryption key: losing one is an error, since a new one
// would cut off everything that trusts the old. On error the Set is unchanged.
func (s *Set) Ensure(cluster *spec.Cluster, now time.Time) ([]Issued, error) {
	if cluster.PKI.Lifetime <= 0 {
		return nil, fmt.Errorf("the lifetime of certificates is %s: it must be positive", cluster.PKI.Lifetime)
	}
	signers, err := s.signers(now)
	if err != nil {
		return nil, err
	}
	wanted := places(cluster)
	reasons, made := make([]string, len(wanted)), make([]KeyPair, len(wanted))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0)) // RSA keys take a second each
	for i, p := range wanted {
		group.Go(func() error {
			ca, old := signers[p.CA], s.leaves[p.node.Name][p.Name]
			reasons[i] = p.fault(old, cluster, ca.cert, now)
			if made[i] = old; reasons[i] == "" {
				return nil
			}
			var err error
			made[i], err = p.issue(cluster, ca, now)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var issued []Issued
	s.leaves = map[string]map[string]KeyPair{}
	for i, p := range wanted {
		s.put(p.node.Name, p.Name, made[i])
		if reasons[i] != "" {
			issued = append(issued, Issued{Node: p.node.Name, Name: p.Name, Reason: reasons[i]})
		}
	}
	return issued, nil
}

func (s *Set) put(node, name string, kp KeyPair) {
	if s.leaves[node] == nil {
		s.leaves[node] = map[string]KeyPair{}
	}
	s.leaves[node][name] = kp
}

type authoritySigner struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// signers opens the authorities, and checks on the way that nothing irreplaceable is lost.
func (s *Set) signers(now time.Time) (map[string]authoritySigner, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	out := map[string]authoritySigner{}
	for name, kp := range s.authorities {
		cert, key, err := kp.signer()
		if err != nil {
			return nil, fmt.Errorf("the %s authority: %w", name, err)
		}
		if now.After(cert.NotAfter) {
			return nil, fmt.Errorf("the %s authority expired on %s: it cannot sign any more and must be replaced, with all that it signed",
				name, cert.NotAfter.Format(time.DateOnly))
		}
		out[name] = authoritySigner{cert, key}
	}
	return out, nil
}

// check is nil when everything that cannot be issued again is there and sound.
func (s *Set) check() error {
	var errs []error
	for _, a := range Authorities() {
		cert, err := s.authorities[a.Name].parse()
		switch {
		case len(s.authorities[a.Name].Cert) == 0:
			errs = append(errs, fmt.Errorf("the %s authority is missing", a.Name))
		case err != nil:
			errs = append(errs, fmt.Errorf("the %s authority: %w", a.Name, err))
		case !cert.IsCA:
			errs = append(errs, fmt.Errorf("the %s authority's certificate is not one of an authority", a.Name))
		}
	}
	if err := s.ServiceAccount.checkPublicKey(); err != nil {
		errs = append(errs, fmt.Errorf("the service-account pair: %w", err))
	}
	if len(s.EncryptionKey) != encryptionKeySize {
		errs = append(errs, fmt.Errorf("the encryption key has %d bytes, %d were expected", len(s.EncryptionKey), encryptionKeySize))
	}
	return errors.Join(errs...)
}

// issue makes p's certificate, valid from five minutes before now and no longer than its authority.
func (p place) issue(cluster *spec.Cluster, ca authoritySigner, now time.Time) (KeyPair, error) {
	end := now.Add(cluster.PKI.Lifetime)
	if end.After(ca.cert.NotAfter) {
		end = ca.cert.NotAfter
	}
	kp, err := order{
		cn: p.commonName(p.node.Name), o: p.O, hosts: p.hosts(cluster, p.node),
		usages: leafUsages(p.Usage), algorithm: cluster.PKI.Algorithm,
		notBefore: now.Add(-backdate), notAfter: end,
	}.sign(ca.cert, ca.key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("issue %s: %w", p, err)
	}
	return kp, nil
}

// nodes lists the nodes that the Set has leaves for, sorted, shared ones ("") first.
func (s *Set) nodes() []string { return slices.Sorted(maps.Keys(s.leaves)) }
