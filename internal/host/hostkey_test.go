package host_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// refused connects and expects the host key to be refused before any authentication.
func refused(t *testing.T, server *hosttest.Server, o host.Options) *host.HostKeyError {
	t.Helper()
	h, err := host.Connect(t.Context(), o)
	if err == nil {
		_ = h.Close()
	}
	var bad *host.HostKeyError
	if !errors.As(err, &bad) {
		t.Fatalf("error %v, expected a *HostKeyError", err)
	}
	if log := server.Log(); strings.Contains(log, "publickey") || strings.Contains(log, "authenticating user") {
		t.Errorf("authentication was attempted:\n%s", log)
	}
	if bad.Presented != ssh.FingerprintSHA256(server.HostKeys[0]) || !strings.Contains(err.Error(), bad.Presented) {
		t.Errorf("error %q: presented key is %s", err, ssh.FingerprintSHA256(server.HostKeys[0]))
	}
	if !strings.HasPrefix(err.Error(), "cp-1 (127.0.0.1:") {
		t.Errorf("error %q does not name the machine", err)
	}
	return bad
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func shell(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("/bin/sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func addr(s *hosttest.Server) string { return fmt.Sprintf("[%s]:%d", s.Address, s.Port) }

func TestUnknownHostKey(t *testing.T) {
	for _, name := range []string{"empty", "missing"} {
		t.Run(name, func(t *testing.T) {
			server := hosttest.Serve(t, hosttest.Setup{})
			o := server.Options(t, "cp-1")
			o.KnownHosts = filepath.Join(t.TempDir(), "known hosts")
			if name == "empty" {
				writeFile(t, o.KnownHosts, "# nobody yet\n")
			}
			bad := refused(t, server, o)
			if bad.Known != "" || bad.Line != 0 || bad.File != o.KnownHosts || bad.Address != addr(server) {
				t.Errorf("error holds %+v", bad)
			}
			// The remedy in the message is one that works.
			_, remedy, _ := strings.Cut(bad.Error(), "then add it: ")
			shell(t, remedy)
			connect(t, o)
		})
	}
}

func TestChangedHostKey(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	o := server.Options(t, "cp-1")
	_, old := hosttest.NewKey(t, t.TempDir(), "old", "ed25519")
	o.KnownHosts = writeFile(t, filepath.Join(t.TempDir(), "known_hosts"),
		"# a comment\n"+knownhosts.Line([]string{"other"}, server.HostKeys[0])+"\n"+knownhosts.Line([]string{addr(server)}, old)+"\n")
	bad := refused(t, server, o)
	if bad.Known != ssh.FingerprintSHA256(old) || bad.Line != 3 || bad.File != o.KnownHosts {
		t.Errorf("error holds %+v", bad)
	}
	for _, want := range []string{bad.Known, o.KnownHosts + ":3", "remove line 3"} {
		if !strings.Contains(bad.Error(), want) {
			t.Errorf("error %q does not tell %q", bad, want)
		}
	}
	_, remedy, _ := strings.Cut(bad.Error(), "(ssh-keygen")
	remedy, _, _ = strings.Cut(remedy, ")")
	shell(t, "ssh-keygen"+remedy)
	if now := refused(t, server, o); now.Known != "" {
		t.Errorf("after the remedy the old key is still known: %v", now)
	}
}

// What is on file decides which of its keys the server shows.
func TestHostKeyTypes(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{KeyTypes: []string{"ed25519", "ecdsa", "rsa"}})
	for _, key := range server.HostKeys {
		t.Run(key.Type(), func(t *testing.T) {
			o := server.Options(t, "cp-1")
			o.KnownHosts = writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), knownhosts.Line([]string{addr(server)}, key)+"\n")
			connect(t, o)
			shell(t, "ssh-keygen -q -H -f "+o.KnownHosts) // with names hashed
			connect(t, o)
		})
	}
	t.Run("only another type on file", func(t *testing.T) {
		server := hosttest.Serve(t, hosttest.Setup{})
		o := server.Options(t, "cp-1")
		_, old := hosttest.NewKey(t, t.TempDir(), "old", "ecdsa")
		o.KnownHosts = writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), knownhosts.Line([]string{addr(server)}, old)+"\n")
		if bad := refused(t, server, o); bad.Known != ssh.FingerprintSHA256(old) || bad.Type != ssh.KeyAlgoED25519 {
			t.Errorf("error holds %+v", bad)
		}
	})
}

func TestRevokedHostKey(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	o := server.Options(t, "cp-1")
	line := knownhosts.Line([]string{addr(server)}, server.HostKeys[0])
	o.KnownHosts = writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), line+"\n@revoked "+line+"\n")
	if bad := refused(t, server, o); !bad.Revoked || bad.Line != 2 {
		t.Errorf("error holds %+v", bad)
	}
}

func TestHostCertificate(t *testing.T) {
	dir := t.TempDir()
	ca, caKey := hosttest.NewKey(t, dir, "ca", "ed25519")
	host1, _ := hosttest.NewKey(t, dir, "host", "ed25519")
	config := "HostKey " + host1 + "\nHostCertificate " + host1 + "-cert.pub\n"
	for _, c := range []struct {
		name, validity string
		good           bool
	}{{"valid", "+1h", true}, {"expired", "20200101:20200102", false}} {
		t.Run(c.name, func(t *testing.T) {
			shell(t, fmt.Sprintf("ssh-keygen -q -s %s -I test -h -n 127.0.0.1 -V %s %s.pub", ca, c.validity, host1))
			server := hosttest.Serve(t, hosttest.Setup{KeyTypes: []string{}, Config: config})
			o := server.Options(t, "cp-1")
			o.KnownHosts = writeFile(t, filepath.Join(dir, "known_hosts"), "@cert-authority "+knownhosts.Line([]string{addr(server)}, caKey)+"\n")
			h, err := host.Connect(t.Context(), o)
			if err == nil {
				_ = h.Close()
			}
			var bad *host.HostKeyError
			if c.good && err != nil || !c.good && (!errors.As(err, &bad) || !strings.Contains(err.Error(), "expired")) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestBrokenKnownHosts(t *testing.T) {
	o := host.Options{Name: "cp-1", Address: "127.0.0.1", User: "root"}
	o.KnownHosts = writeFile(t, filepath.Join(t.TempDir(), "known_hosts"), "# fine\nhost ssh-ed25519 nonsense\n")
	if _, err := host.Connect(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.KnownHosts+":2") {
		t.Errorf("error %v does not tell the line", err)
	}
	o.KnownHosts = ""
	if _, err := host.Connect(t.Context(), o); err == nil || !strings.Contains(err.Error(), "known_hosts") {
		t.Errorf("error %v does not ask for a known_hosts file", err)
	}
}
