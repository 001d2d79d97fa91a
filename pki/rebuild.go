package pki

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apiserver "k8s.io/apiserver/pkg/apis/apiserver/v1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/spec"
)

// RecoverPaths lists the files to fetch from a node of that role for Rebuild. Not each need exist.
func RecoverPaths(role spec.Role) []string {
	var out []string
	if role == spec.ControlPlane {
		out = LastingPaths()
	}
	for _, l := range Table() {
		switch {
		case !l.On(role):
		case l.Path != "":
			out = append(out, l.Path+".crt", l.Path+".key")
		case l.Kubeconfig != "":
			out = append(out, l.Kubeconfig)
		}
	}
	return out
}

// LastingPaths lists the files on a control plane that cannot be issued again, and without which the cluster's data is lost.
func LastingPaths() []string {
	var out []string
	for _, a := range Authorities() {
		out = append(out, a.Path+".crt", a.Path+".key")
	}
	return append(out, ServiceAccountPath+".pub", ServiceAccountPath+".key", EncryptionPath)
}

// Rebuild recovers a Set from files fetched from nodes, by node and by path there. What cannot be issued again
// must be on at least one of them and the same on all that have it. Leaves are adopted where they are sound and
// of the cluster's authorities; Ensure issues the others. The result has the same ClusterID as the lost one.
func Rebuild(nodes map[string]map[string][]byte) (*Set, error) {
	return rebuild(nodes, agreedEncryptionKey)
}

// Adopt is Rebuild for a cluster that kubeadm made, which has no key to seal Secrets with: it gets a new one.
func Adopt(nodes map[string]map[string][]byte) (*Set, error) {
	return rebuild(nodes, func(map[string]map[string][]byte) (Secret, error) { return newEncryptionKey() })
}

func rebuild(nodes map[string]map[string][]byte, key func(map[string]map[string][]byte) (Secret, error)) (*Set, error) {
	s := newSet()
	var errs []error
	for _, a := range Authorities() {
		kp, err := agreed(nodes, a.Path+".crt", a.Path+".key")
		if err != nil {
			errs = append(errs, fmt.Errorf("the %s authority: %w", a.Name, err))
		}
		s.authorities[a.Name] = kp
	}
	var err error
	if s.ServiceAccount, err = agreed(nodes, ServiceAccountPath+".pub", ServiceAccountPath+".key"); err != nil {
		errs = append(errs, fmt.Errorf("the service-account pair: %w", err))
	}
	if s.EncryptionKey, err = key(nodes); err != nil {
		errs = append(errs, fmt.Errorf("the encryption key: %w", err))
	}
	if len(errs) == 0 {
		errs = append(errs, s.check())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("rebuild from %s: %w", strings.Join(slices.Sorted(maps.Keys(nodes)), ", "), err)
	}
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		s.adopt(node, nodes[node])
	}
	return s, nil
}

// agreed returns the pair that every node having both files has.
func agreed(nodes map[string]map[string][]byte, cert, key string) (KeyPair, error) {
	var out KeyPair
	var first string
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		kp := KeyPair{Cert: nodes[node][cert], Key: nodes[node][key]}
		switch {
		case len(kp.Cert) == 0 || len(kp.Key) == 0:
		case first == "":
			first, out = node, kp
		case !bytes.Equal(kp.Cert, out.Cert) || !bytes.Equal(kp.Key, out.Key):
			return KeyPair{}, fmt.Errorf("%s and %s hold different %s or %s: rebuild from the nodes of one cluster only", first, node, cert, key)
		}
	}
	if first == "" {
		return KeyPair{}, fmt.Errorf("no node holds both %s and %s: fetch them from a control-plane node", cert, key)
	}
	return out, nil
}

func agreedEncryptionKey(nodes map[string]map[string][]byte) (Secret, error) {
	var out Secret
	var first string
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		text := nodes[node][EncryptionPath]
		if len(text) == 0 {
			continue
		}
		key, err := secretboxKey(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s on %s: %w", EncryptionPath, node, err)
		case first == "":
			first, out = node, key
		case !bytes.Equal(key, out):
			return nil, fmt.Errorf("%s and %s hold different %s", first, node, EncryptionPath)
		}
	}
	if first == "" {
		return nil, fmt.Errorf("no node holds %s: fetch it from a control-plane node", EncryptionPath)
	}
	return out, nil
}

// secretboxKey finds the one key of an EncryptionConfiguration. With more than one, taking the first and dropping
// the rest would lose whatever the others seal. Errors never quote the file.
func secretboxKey(text []byte) (Secret, error) {
	var config apiserver.EncryptionConfiguration
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, errors.New("not a readable EncryptionConfiguration")
	}
	secrets := map[string]bool{} // several resources may name the same key
	for _, r := range config.Resources {
		for _, p := range r.Providers {
			if p.AESGCM != nil || p.AESCBC != nil || p.KMS != nil {
				return nil, errors.New("it uses another provider than secretbox, which Slipway did not set up")
			}
			if p.Secretbox != nil {
				for _, k := range p.Secretbox.Keys {
					secrets[k.Secret] = true
				}
			}
		}
	}
	if len(secrets) != 1 {
		return nil, fmt.Errorf("it has %d secretbox keys, one was expected", len(secrets))
	}
	for secret := range secrets {
		return decodeKey([]byte(secret))
	}
	return nil, nil
}
