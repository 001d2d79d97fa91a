package spec

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// operator makes a home folder with a key, and gives the path of a private key and of a known_hosts file.
func operator(t testing.TB) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	line := knownhosts.Line([]string{"10.0.0.11"}, signer.PublicKey()) + "\n"
	write(t, filepath.Join(home, ".ssh", "id_ed25519"), pem.EncodeToMemory(block), 0o600)
	write(t, filepath.Join(home, ".ssh", "id_ed25519.pub"), ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o644)
	write(t, filepath.Join(home, ".ssh", "known_hosts"), []byte(line), 0o644)
	return home
}

func write(t testing.TB, path string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestExamples loads every file of examples/, with the keys that it names beside a copy of it.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.hcl")
	if err != nil || len(files) < 7 {
		t.Fatalf("found %d examples: %v", len(files), err)
	}
	nodes := map[string]int{"ha": 5, "single": 1, "workers-for-each": 8, "node-local": 4, "external-lb": 4, "load-balancer-nodes": 7, "bastion": 4, "backups": 4}
	for _, file := range files {
		name := filepath.Base(file[:len(file)-len(".hcl")])
		t.Run(name, func(t *testing.T) {
			home := operator(t)
			key, hosts := read(t, filepath.Join(home, ".ssh", "id_ed25519")), read(t, filepath.Join(home, ".ssh", "known_hosts"))
			dir := filepath.Join(t.TempDir(), "examples")
			write(t, filepath.Join(dir, "known_hosts"), hosts, 0o644)
			write(t, filepath.Join(dir, "sudo-password"), []byte("x\n"), 0o600)
			write(t, filepath.Join(dir, "s3-credentials"), []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), 0o600)
			write(t, filepath.Join(dir, "../build/lab/id_ed25519"), key, 0o600)
			write(t, filepath.Join(dir, "../build/lab/known_hosts"), hosts, 0o644)
			path := filepath.Join(dir, filepath.Base(file))
			write(t, path, read(t, file), 0o644)
			c, err := Read(path, LoadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if want, known := nodes[name]; !known || len(c.Nodes) != want {
				t.Errorf("%d nodes, want %d", len(c.Nodes), want)
			}
		})
	}
}
