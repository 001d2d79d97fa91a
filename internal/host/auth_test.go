package host_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// locked expects an *AuthError that says each of want.
func locked(t *testing.T, o host.Options, want ...string) *host.AuthError {
	t.Helper()
	h, err := host.Connect(t.Context(), o)
	if err == nil {
		_ = h.Close()
	}
	var bad *host.AuthError
	if !errors.As(err, &bad) {
		t.Fatalf("error %v, expected an *AuthError", err)
	}
	for _, w := range append(want, "cp-1 (", o.User) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	return bad
}

func TestWrongKey(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	server := hosttest.Serve(t, hosttest.Setup{})
	o := server.Options(t, "cp-1")
	path, public := hosttest.NewKey(t, t.TempDir(), "wrong", "ed25519")
	o.PrivateKey = path
	bad := locked(t, o, path, ssh.FingerprintSHA256(public), "authorized_keys")
	if len(bad.Tried) != 1 {
		t.Errorf("tried %q", bad.Tried)
	}
	o.PrivateKey = ""
	locked(t, o, "no private key named", "SSH_AUTH_SOCK is not set")
	o.PrivateKey = filepath.Join(t.TempDir(), "none")
	locked(t, o, o.PrivateKey, "no such file")
	o.PrivateKey = writeFile(t, filepath.Join(t.TempDir(), "text"), "not a key")
	locked(t, o, o.PrivateKey, "ssh-keygen")
	o.PrivateKey, o.User = server.Key, "no-such-user"
	locked(t, o)
}

// startAgent runs a real ssh-agent.
func startAgent(t *testing.T) (socket string, client agent.ExtendedAgent) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: apt-get install openssh-client", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	for range 200 {
		if conn, err := net.Dial("unix", socket); err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return socket, agent.NewClient(conn)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("ssh-agent does not answer")
	return "", nil
}

func rawKey(t *testing.T, path string) any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAgent(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	o := server.Options(t, "cp-1")
	key := rawKey(t, server.Key)
	o.PrivateKey = ""
	socket, held := startAgent(t)
	o.AgentSocket = socket
	locked(t, o, "holds no keys")

	wrong, _ := hosttest.NewKey(t, t.TempDir(), "wrong", "ed25519")
	for _, k := range []any{rawKey(t, wrong), key} {
		if err := held.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	connect(t, o)
	t.Setenv("SSH_AUTH_SOCK", socket)
	o.AgentSocket = ""
	connect(t, o)
	// The named key is tried first, the agent's after it.
	o.PrivateKey = wrong
	connect(t, o)
	// An agent that is gone does not matter where the named key will do.
	t.Setenv("SSH_AUTH_SOCK", socket+".gone")
	o.PrivateKey = server.Key
	connect(t, o)
	o.PrivateKey = wrong
	locked(t, o, socket+".gone")
}

func TestPassphrase(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	server := hosttest.Serve(t, hosttest.Setup{})
	o := server.Options(t, "cp-1")
	key := rawKey(t, server.Key)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	o.PrivateKey = writeFile(t, filepath.Join(t.TempDir(), "protected"), string(pem.EncodeToMemory(block)))
	locked(t, o, o.PrivateKey, "passphrase", "ssh-add")
	socket, held := startAgent(t)
	o.AgentSocket = socket
	locked(t, o, "passphrase", "holds no keys")
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err == nil {
		err = held.Add(agent.AddedKey{PrivateKey: &other})
	}
	if err != nil {
		t.Fatal(err)
	}
	locked(t, o, "passphrase", "does not hold it")
	if err := held.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	connect(t, o)
}

// One connection, one authentication, however many commands.
func TestReuse(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{Config: "MaxSessions 2"})
	h := connect(t, server.Options(t, "cp-1"))
	errs := make(chan error)
	const n = 20
	for range n {
		go func() { errs <- h.Run(t.Context(), host.Command{Args: []string{"sleep", "0.05"}}) }()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := strings.Count(server.Log(), "Accepted publickey"); got != 1 {
		t.Errorf("%d logins for %d commands", got, n)
	}
}

// The server asks for new session keys in the middle of a transfer.
func TestRekey(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{Config: "RekeyLimit 1M"})
	h := connect(t, server.Options(t, "cp-1"))
	in := bytes.Repeat([]byte("0123456789abcde\n"), 1<<20)
	var out bytes.Buffer
	if err := h.Run(t.Context(), host.Command{Args: []string{"cat"}, Stdin: bytes.NewReader(in), Stdout: &out}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), in) {
		t.Error("16 MiB came back changed")
	}
}

func TestLongCommandLine(t *testing.T) {
	h := connect(t, hosttest.Serve(t, hosttest.Setup{}).Options(t, "cp-1"))
	err := h.Run(t.Context(), host.Command{Args: []string{"true", strings.Repeat("x", 128<<10)}})
	if err == nil || !strings.Contains(err.Error(), "stdin") || !strings.Contains(err.Error(), "cp-1") {
		t.Errorf("error %.200v", err)
	}
}
