package hosttest

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/slipway/slipway/internal/host"
)

// Setup is what a test may ask of its server.
type Setup struct {
	Listen   string   // address, 127.0.0.1 by default
	KeyTypes []string // of its host keys: ed25519 (the default), ecdsa, rsa
	Config   string   // more lines of sshd_config; they win over the server's own
	User     string   // that Options logs in as, root by default
}

// Server is a real OpenSSH server on loopback, with host keys and configuration of its own. Every
// user of the machine may log in with its client key.
type Server struct {
	Address  string
	Port     int
	User     string
	HostKeys []ssh.PublicKey
	Key      string // path of the client's private key
	Dir      string // temporary; the test may put files there

	mu  sync.Mutex
	log bytes.Buffer
}

const sshd = "/usr/sbin/sshd"

// Serve starts a server and stops it when the test ends. It needs root and openssh-server.
func Serve(t testing.TB, setup Setup) *Server {
	t.Helper()
	if _, err := os.Stat(sshd); err != nil {
		t.Fatalf("%v: this test runs a real SSH server: apt-get install openssh-server", err)
	}
	if os.Geteuid() != 0 {
		t.Fatal("this test runs an SSH server that logs users in: run it as root")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd refuses to start without
		t.Fatal(err)
	}
	s := &Server{Address: setup.Listen, User: setup.User, Dir: PublicDir(t)}
	if s.Address == "" {
		s.Address = "127.0.0.1"
	}
	if s.User == "" {
		s.User = "root"
	}
	var public ssh.PublicKey
	s.Key, public = NewKey(t, s.Dir, "client", "ed25519")
	authorized := s.write(t, "authorized_keys", string(ssh.MarshalAuthorizedKey(public)))
	if setup.KeyTypes == nil {
		setup.KeyTypes = []string{"ed25519"}
	}
	config := setup.Config + "\nAuthorizedKeysFile " + authorized + `
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv SHLVL=2
LogLevel VERBOSE
`
	// SHLVL: at a deeper level bash leaves out root's own .bashrc, which is none of the tests' business.
	for _, kind := range setup.KeyTypes {
		path, key := NewKey(t, s.Dir, "host_"+kind, kind)
		s.HostKeys = append(s.HostKeys, key)
		config += "HostKey " + path + "\n"
	}
	s.start(t, config)
	return s
}

// start finds a free port and runs sshd there; someone else may take the port in between.
func (s *Server) start(t testing.TB, config string) {
	t.Helper()
	for range 5 {
		l, err := net.Listen("tcp", net.JoinHostPort(s.Address, "0"))
		if err != nil {
			t.Fatal(err)
		}
		s.Port = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		listen := "ListenAddress " + net.JoinHostPort(s.Address, strconv.Itoa(s.Port)) + "\n"
		if s.launch(t, s.write(t, "sshd_config", listen+config)) {
			return
		}
	}
	t.Fatalf("sshd does not start:\n%s", s.Log())
}

func (s *Server) launch(t testing.TB, config string) bool {
	t.Helper()
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it may have ended
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(stderr) // children hold it open until the last session ends
		for lines.Scan() {
			s.mu.Lock()
			s.log.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			if strings.HasPrefix(lines.Text(), "Server listening on") {
				ready <- true
			}
		}
		_ = cmd.Wait() // killed
		select {
		case ready <- false:
		default:
		}
	}()
	select {
	case ok := <-ready:
		return ok
	case <-time.After(30 * time.Second):
		return false
	}
}

// Log is what the server has logged so far, at VERBOSE (at DEBUG it would write to commands' stderr).
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// KnownHosts writes a known_hosts file that vouches for servers and returns its path.
func KnownHosts(t testing.TB, servers ...*Server) string {
	t.Helper()
	var lines strings.Builder
	for _, s := range servers {
		for _, key := range s.HostKeys {
			lines.WriteString(knownhosts.Line([]string{s.addr()}, key) + "\n")
		}
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Options log in to the server, whose key is known.
func (s *Server) Options(t testing.TB, name string) host.Options {
	t.Helper()
	return host.Options{
		Name: name, Address: s.Address, Port: s.Port, User: s.User, PrivateKey: s.Key, KnownHosts: KnownHosts(t, s),
	}
}

// Hop is the server as a bastion.
func (s *Server) Hop() host.Hop {
	return host.Hop{Address: s.Address, Port: s.Port, User: s.User, PrivateKey: s.Key}
}

func (s *Server) addr() string { return net.JoinHostPort(s.Address, strconv.Itoa(s.Port)) }

func (s *Server) write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// PublicDir is a temporary directory that other users may read, which t.TempDir's parent forbids.
func PublicDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
