package archive

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// Recipient is one to whom keys are sealed: the public half of an age or SSH key.
type Recipient struct {
	name string
	key  age.Recipient
}

// String is how the recipient stands in the manifest: of age all of it, of SSH its type and fingerprint.
func (r Recipient) String() string { return r.name }

// Identity is the private half.
type Identity = age.Identity

// ParseRecipient reads age1…, or a line as of an SSH public key file: ssh-ed25519 AAAA… or ssh-rsa AAAA….
func ParseRecipient(text string) (Recipient, error) {
	text = strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(text, "AGE-SECRET-KEY-"):
		return Recipient{}, errors.New("this is an identity, a private key: give its recipient, the line age1… beside it")
	case strings.HasPrefix(text, "ssh-"):
		key, err := agessh.ParseRecipient(text)
		if err != nil {
			return Recipient{}, fmt.Errorf("recipient %q: %w", shorten(text), err)
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil {
			return Recipient{}, fmt.Errorf("recipient %q: %w", shorten(text), err)
		}
		return Recipient{name: public.Type() + " " + ssh.FingerprintSHA256(public), key: key}, nil
	case strings.HasPrefix(text, "age1"):
		keys, err := age.ParseRecipients(strings.NewReader(text))
		if err != nil || len(keys) != 1 {
			return Recipient{}, fmt.Errorf("recipient %q is no sound recipient of age: %w", shorten(text), err)
		}
		return Recipient{name: text, key: keys[0]}, nil
	}
	return Recipient{}, fmt.Errorf("recipient %q: expected age1… or a line of an SSH public key, ssh-ed25519 … or ssh-rsa …", shorten(text))
}

// ParseRecipients reads one recipient a line; empty lines and those that begin with # are passed over.
func ParseRecipients(text string) ([]Recipient, error) {
	var out []Recipient
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := ParseRecipient(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", i+1, err))
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

// ReadIdentities reads a file of age identities, as age-keygen writes it, or an SSH private key. Errors never quote it.
func ReadIdentities(path string) ([]Identity, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(text, []byte("PRIVATE KEY-----")) {
		key, err := agessh.ParseIdentity(text)
		var locked *ssh.PassphraseMissingError
		if errors.As(err, &locked) {
			return nil, fmt.Errorf("identity %s has a passphrase: give one without, such as a copy made by ssh-keygen -p", path)
		}
		if err != nil {
			return nil, fmt.Errorf("identity %s: not a readable SSH key of type ed25519 or RSA", path)
		}
		return []Identity{key}, nil
	}
	keys, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("identity %s: expected lines AGE-SECRET-KEY-1…, as age-keygen writes them, or an SSH private key", path)
	}
	return keys, nil
}

// shorten keeps an error readable, and no more of a secret that was given by mistake than its beginning.
func shorten(text string) string {
	const most = 24
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
