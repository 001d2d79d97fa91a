package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// knownHosts is a known_hosts file as read once. Safe for concurrent use.
type knownHosts struct {
	file        string
	match       ssh.HostKeyCallback
	authorities map[int]bool // lines that are @cert-authority
}

// readKnownHosts reads file. One that does not exist knows no machine: the error about the first
// unknown key says more than a missing file would.
func readKnownHosts(file string) (*knownHosts, error) {
	if file == "" {
		return nil, errors.New("no known_hosts file named: machines' host keys are always checked against one")
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		match, err := knownhosts.New()
		return &knownHosts{file: file, match: match}, err
	}
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	match, err := knownhosts.New(file)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	k := &knownHosts{file: file, match: match, authorities: map[int]bool{}}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		if bytes.HasPrefix(bytes.TrimSpace(lines.Bytes()), []byte("@cert-authority")) {
			k.authorities[n] = true
		}
	}
	return k, lines.Err()
}

// entries lists the keys on file for addr ("host:port").
func (k *knownHosts) entries(addr string) []knownhosts.KnownKey {
	var e *knownhosts.KeyError
	if errors.As(k.match(addr, dialled{"tcp", addr}, noKey{}), &e) {
		return e.Want
	}
	return nil
}

// algorithms orders host key algorithms so that a server which has a key of a type on file shows
// that one. All others follow: a server that has none is to be told apart by its key's fingerprint.
func (k *knownHosts) algorithms(addr string) []string {
	all := []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
	var first []string
	for _, e := range k.entries(addr) {
		switch t := e.Key.Type(); {
		case k.authorities[e.Line]:
			first = append(first, ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01,
				ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01)
		case t == ssh.KeyAlgoRSA:
			first = append(first, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		case slices.Contains(all, t):
			first = append(first, t)
		}
	}
	var out []string
	for _, a := range append(first, all...) {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// check refuses key with a *HostKeyError unless it is on file for addr.
func (k *knownHosts) check(host, addr string, key ssh.PublicKey) *HostKeyError {
	err := k.match(addr, dialled{"tcp", addr}, key)
	if err == nil {
		return nil
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	out := &HostKeyError{
		Host: host, Address: knownhosts.Normalize(addr), File: k.file,
		Type: key.Type(), Presented: ssh.FingerprintSHA256(key),
	}
	if !errors.As(err, new(*knownhosts.KeyError)) {
		out.Err = err
	}
	var revoked *knownhosts.RevokedError
	if errors.As(err, &revoked) {
		out.Revoked, out.Line = true, revoked.Revoked.Line
		return out
	}
	for _, e := range k.entries(addr) {
		if out.Known == "" || e.Key.Type() == key.Type() {
			out.Known, out.Line = ssh.FingerprintSHA256(e.Key), e.Line
		}
	}
	return out
}

// noKey is on no one's file: asking for it lists what is.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return nil }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }
