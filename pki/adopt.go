package pki

import (
	"crypto/x509"
	"slices"
)

// adopt takes over those of the node's leaves that are sound and signed by the Set's authorities.
func (s *Set) adopt(node string, files map[string][]byte) {
	for _, l := range Table() {
		kp, cert := s.sound(l, files)
		if cert == nil {
			continue
		}
		if !l.Shared {
			s.put(node, l.Name, kp)
		} else if _, have := s.leaves[""][l.Name]; !have {
			s.put("", l.Name, kp)
		}
	}
}

// AdoptNewer takes over, from files fetched from the node by RecoverPaths, those leaves of its own that were issued after
// the Set's: a node that left and joined again by itself has such. It returns their names. Ensure replaces what will not do.
func (s *Set) AdoptNewer(node string, files map[string][]byte) (names []string) {
	for _, l := range Table() {
		kp, cert := s.sound(l, files)
		if cert == nil || l.Shared {
			continue
		}
		if have, err := s.leaves[node][l.Name].parse(); err == nil && !cert.NotBefore.After(have.NotBefore) {
			continue
		}
		s.put(node, l.Name, kp)
		names = append(names, l.Name)
	}
	slices.Sort(names)
	return names
}

// sound is the leaf in files, with its certificate, if it can be read and is signed by the Set's authority.
func (s *Set) sound(l Leaf, files map[string][]byte) (KeyPair, *x509.Certificate) {
	kp := KeyPair{Cert: files[l.Path+".crt"], Key: files[l.Path+".key"]}
	if l.Kubeconfig != "" {
		var err error
		if kp, err = embeddedPair(files[l.Kubeconfig]); err != nil {
			return kp, nil
		}
	}
	cert, err := kp.parse()
	if err != nil {
		return kp, nil
	}
	ca, err := s.authorities[l.CA].parse()
	if err != nil || cert.CheckSignatureFrom(ca) != nil {
		return kp, nil
	}
	return kp, cert
}
