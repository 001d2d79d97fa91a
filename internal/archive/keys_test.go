package archive

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

// TestKeysOfEachKind: what is sealed to an age, a hybrid or an SSH key opens with the file of its private half.
func TestKeysOfEachKind(t *testing.T) {
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string]struct{ recipient, identity, shown string }{
		"x25519":  {x25519.Recipient().String(), "# created: today\n" + x25519.String() + "\n", "age1"},
		"hybrid":  {hybrid.Recipient().String(), hybrid.String(), "age1pq"},
		"ed25519": {public(t, ed.Public()), private(t, ed), "ssh-ed25519 SHA256:"},
		"rsa":     {public(t, rsaKey.Public()), private(t, rsaKey), "ssh-rsa SHA256:"},
	} {
		t.Run(name, func(t *testing.T) {
			recipients, err := ParseRecipients("# to whom\n\n" + pair.recipient + "\n")
			if err != nil || len(recipients) != 1 || !strings.HasPrefix(recipients[0].String(), pair.shown) {
				t.Fatalf("%v, %v", recipients, err)
			}
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(pair.identity), 0o600); err != nil {
				t.Fatal(err)
			}
			identities, err := ReadIdentities(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, write(t, contents(t, recipients...))).Secrets(identities...); err != nil {
				t.Error(err)
			}
		})
	}
}

func public(t *testing.T, key any) string {
	t.Helper()
	p, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(p))
}

func private(t *testing.T, key any) string {
	t.Helper()
	b, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(b))
}

// TestWrongKeysAreTold, and never quoted: a private key where a public one belongs is a mistake that must stay a small one.
func TestWrongKeysAreTold(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		key.String():                            "this is an identity, a private key",
		"age1nonsense":                          "no sound recipient",
		"ssh-ed25519 AAAA":                      "recipient \"ssh-ed25519 AAAA\"",
		"github.com/somebody":                   "expected age1",
		"age1aaa\nthis is a secret of somebody": "line 2",
	} {
		_, err := ParseRecipients(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), key.String()) {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		string(pem.EncodeToMemory(locked)): "has a passphrase",
		"-----BEGIN PRIVATE KEY-----\nx":   "not a readable SSH key",
		"password1":                        "expected lines AGE-SECRET-KEY-1",
		"":                                 "expected lines AGE-SECRET-KEY-1",
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadIdentities(path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "password1") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
