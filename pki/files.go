package pki

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/slipway/slipway/internal/layout"
)

// The operator keeps authorities as pki/ca.crt, pki/etcd/ca.crt and so on, as kubeadm does, and the leaves
// of a node as nodes/NAME/apiserver.crt, nodes/NAME/etcd/server.crt.
const (
	sharedDir      = "pki"
	nodesDir       = "nodes"
	encryptionFile = sharedDir + "/encryption.key"
)

// Files returns everything in s as readable files by their relative, slash-separated path. All of them are secret.
func (s *Set) Files() map[string][]byte {
	out := map[string][]byte{}
	pair := func(at, public string, kp KeyPair) {
		out[at+public], out[at+".key"] = kp.Cert, kp.Key
	}
	for _, a := range Authorities() {
		if kp, ok := s.authorities[a.Name]; ok {
			pair(authorityFile(a), ".crt", kp)
		}
	}
	pair(sharedDir+"/sa", ".pub", s.ServiceAccount)
	out[encryptionFile] = []byte(base64.StdEncoding.EncodeToString(s.EncryptionKey) + "\n")
	for node, leaves := range s.leaves {
		for name, kp := range leaves {
			pair(leafFile(node, name), ".crt", kp)
		}
	}
	return out
}

// FromFiles is the inverse of Files. What cannot be issued again must be there and sound, or the error names it;
// a leaf whose certificate and key do not belong together is left out, and Ensure issues it anew.
func FromFiles(files map[string][]byte) (*Set, error) {
	s := newSet()
	for _, a := range Authorities() {
		at := authorityFile(a)
		s.authorities[a.Name] = KeyPair{Cert: files[at+".crt"], Key: files[at+".key"]}
	}
	s.ServiceAccount = KeyPair{Cert: files[sharedDir+"/sa.pub"], Key: files[sharedDir+"/sa.key"]}
	var err error
	if s.EncryptionKey, err = decodeKey(files[encryptionFile]); err != nil {
		return nil, fmt.Errorf("%s: %w", encryptionFile, err)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	for file, cert := range files {
		at, ok := strings.CutSuffix(file, ".crt")
		if !ok {
			continue
		}
		node, name, ok := leafOf(at)
		kp := KeyPair{Cert: cert, Key: files[at+".key"]}
		if _, err := kp.parse(); ok && err == nil {
			s.put(node, name, kp)
		}
	}
	return s, nil
}

// authorityFile is the authority's path on a node, moved below the operator's directory.
func authorityFile(a Authority) string {
	return path.Join(sharedDir, strings.TrimPrefix(a.Path, layout.PKI+"/"))
}

func leafFile(node, name string) string {
	if node == "" {
		return path.Join(sharedDir, name)
	}
	return path.Join(nodesDir, node, name)
}

// leafOf is the inverse of leafFile; it knows the table's leaves and nothing else.
func leafOf(file string) (node, name string, ok bool) {
	dir, rest, _ := strings.Cut(file, "/")
	name = rest
	if dir == nodesDir {
		node, name, _ = strings.Cut(rest, "/")
	}
	for _, l := range Table() {
		if l.Name == name && l.Shared == (node == "") && leafFile(node, name) == file {
			return node, name, true
		}
	}
	return "", "", false
}

// decodeKey never quotes its input.
func decodeKey(text []byte) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("not valid base64")
	}
	return key, nil
}
