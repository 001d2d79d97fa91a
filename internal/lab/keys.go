//go:build linux

package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// ensureKey returns the public half of the SSH key at path, making the pair when it is not there.
func ensureKey(path, comment string) (ssh.PublicKey, error) {
	raw, err := os.ReadFile(path)
	if err == nil {
		signer, err := ssh.ParsePrivateKey(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return signer.PublicKey(), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	if err := writeFile(path+".pub", ssh.MarshalAuthorizedKey(key), 0o644); err != nil {
		return nil, err
	}
	return key, writeFile(path, pem.EncodeToMemory(block), 0o600)
}

// ensurePassword returns the password that sudo asks of ops, making it when it is not there.
func ensurePassword(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw = []byte(rand.Text() + "\n")
		err = writeFile(path, raw, 0o600)
	}
	return strings.TrimSpace(string(raw)), err
}

// writeClientFiles writes known_hosts and an ssh_config for ssh -F.
func (l *Lab) writeClientFiles() error {
	var hosts, config strings.Builder
	for _, m := range l.instances() {
		key, err := ensureKey(m.hostKey(), m.Name)
		if err != nil {
			return err
		}
		fmt.Fprintln(&hosts, knownhosts.Line([]string{m.Address.String(), l.Address6(m.Address).String(), m.Name}, key))
		fmt.Fprintf(&config, "Host %s\n\tHostName %s\n", m.Name, m.Address)
	}
	fmt.Fprintf(&config, "Host *\n\tUser root\n\tIdentityFile \"%s\"\n\tIdentitiesOnly yes\n\tUserKnownHostsFile \"%s\"\n",
		l.PrivateKey(), l.KnownHosts())
	return errors.Join(
		writeFile(l.KnownHosts(), []byte(hosts.String()), 0o644),
		writeFile(filepath.Join(l.dir, "ssh_config"), []byte(config.String()), 0o644))
}

// writeFile writes a whole file or none, making its folder.
func writeFile(path string, raw []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(path, raw, mode, renameio.IgnoreUmask())
}
