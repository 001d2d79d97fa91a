package host

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// offer is the keys to log in with, and what to call them if none is accepted.
type offer struct {
	signers []ssh.Signer
	names   []string
}

func (o *offer) add(name string, s ssh.Signer) {
	o.signers = append(o.signers, s)
	o.names = append(o.names, fmt.Sprintf("%s (%s %s)", name, s.PublicKey().Type(), ssh.FingerprintSHA256(s.PublicKey())))
}

// keyring reads private keys from files and from an agent, to which it keeps one connection.
type keyring struct {
	socket string
	conn   net.Conn
	held   []ssh.Signer
	err    error // why the agent has none to give
}

func newKeyring(socket string) *keyring {
	if socket == "" {
		socket = os.Getenv("SSH_AUTH_SOCK")
	}
	k := &keyring{socket: socket}
	if socket == "" {
		k.err = errors.New("no ssh-agent (SSH_AUTH_SOCK is not set)")
		return k
	}
	if k.conn, k.err = net.Dial("unix", socket); k.err != nil {
		k.err = fmt.Errorf("ssh-agent: %w", k.err)
		return k
	}
	if k.held, k.err = agent.NewClient(k.conn).Signers(); k.err != nil {
		k.err = fmt.Errorf("ssh-agent %s: %w", socket, k.err)
	} else if len(k.held) == 0 {
		k.err = fmt.Errorf("ssh-agent %s holds no keys", socket)
	}
	return k
}

func (k *keyring) close() {
	if k.conn != nil {
		_ = k.conn.Close() // nothing is written that a failing close could lose
	}
}

// load returns the key in file and then the agent's, since a server counts every wrong one.
// A key with a passphrase must be in the agent.
func (k *keyring) load(file string) (*offer, error) {
	o := &offer{}
	if file != "" {
		s, err := k.read(file)
		if err != nil {
			return nil, err
		}
		o.add("key "+file, s)
	}
	for _, s := range k.held {
		if len(o.signers) > 0 && sameKey(s, o.signers[0]) {
			continue
		}
		o.add("ssh-agent's key", s)
	}
	if len(o.signers) == 0 {
		return nil, fmt.Errorf("no key to log in with: no private key named, and %w", k.err)
	}
	if k.err != nil && k.socket != "" {
		o.names = append(o.names, k.err.Error())
	}
	return o, nil
}

func (k *keyring) read(file string) (ssh.Signer, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	s, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		if err != nil {
			return nil, fmt.Errorf("private key %s: %w; expected a key as ssh-keygen writes it", file, err)
		}
		return s, nil
	}
	for _, held := range k.held {
		if locked.PublicKey != nil && bytes.Equal(held.PublicKey().Marshal(), locked.PublicKey.Marshal()) {
			return held, nil
		}
	}
	reason := k.err
	if reason == nil {
		reason = fmt.Errorf("ssh-agent %s does not hold it", k.socket)
	}
	return nil, fmt.Errorf("private key %s is protected by a passphrase: use ssh-agent: run `ssh-add %s` first (%w)",
		file, quote(file), reason)
}

func sameKey(a, b ssh.Signer) bool {
	return bytes.Equal(a.PublicKey().Marshal(), b.PublicKey().Marshal())
}
