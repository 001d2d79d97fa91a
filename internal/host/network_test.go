package host_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// unreachable expects err to be an *UnreachableError of that phase about the machine in want.
func unreachable(t *testing.T, err error, phase host.Phase, want ...string) {
	t.Helper()
	var bad *host.UnreachableError
	if !errors.As(err, &bad) {
		t.Fatalf("error %v, expected an *UnreachableError", err)
	}
	if bad.Phase != phase {
		t.Errorf("phase %q, expected %q (%v)", bad.Phase, phase, err)
	}
	for _, w := range append(want, "cp-1 (", string(phase)) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func optionsFor(t *testing.T, l net.Addr) host.Options {
	t.Helper()
	dir := t.TempDir()
	key, _ := hosttest.NewKey(t, dir, "key", "ed25519")
	a := l.(*net.TCPAddr)
	return host.Options{
		Name: "cp-1", Address: a.IP.String(), Port: a.Port, User: "root", PrivateKey: key,
		KnownHosts: writeFile(t, dir+"/known_hosts", ""), Timeout: 300 * time.Millisecond,
	}
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = host.Connect(t.Context(), optionsFor(t, l.Addr()))
	unreachable(t, err, host.PhaseConnect, "refused")
}

// A listener whose queue is full drops what would connect, as a firewall does.
func TestConnectTimeout(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	syscall.CloseOnExec(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	a := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*syscall.SockaddrInet4).Port}
	for {
		c, err := net.DialTimeout("tcp", a.String(), 200*time.Millisecond)
		if err != nil {
			break // full
		}
		defer c.Close()
	}
	_, err = host.Connect(t.Context(), optionsFor(t, a))
	unreachable(t, err, host.PhaseConnect, "no answer within 300ms")
}

// A listener that accepts and never says a word, and one that hangs up.
func TestSilentListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := optionsFor(t, l.Addr())
	_, err = host.Connect(t.Context(), o)
	unreachable(t, err, host.PhaseHandshake, "no answer within 300ms")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o.Timeout = time.Minute
	if _, err = host.Connect(ctx, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, expected the caller's own deadline", err)
	}
	cause := errors.New("changed my mind")
	ctx2, cancel2 := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel2(cause) })
	if _, err = host.Connect(ctx2, o); !errors.Is(err, cause) || errors.As(err, new(*host.UnreachableError)) {
		t.Errorf("error %v, expected only the caller's own cause", err)
	}

	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			_ = c.Close()
		}
	}()
	o.Timeout = 300 * time.Millisecond
	_, err = host.Connect(t.Context(), o)
	unreachable(t, err, host.PhaseHandshake)
}

// A server that takes too long to look up keys.
func TestAuthTimeout(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{
		Config: "AuthorizedKeysCommand /usr/bin/sleep 5\nAuthorizedKeysCommandUser root\nAuthorizedKeysFile none\n",
	})
	o := server.Options(t, "cp-1")
	o.Timeout = time.Second
	_, err := host.Connect(t.Context(), o)
	unreachable(t, err, host.PhaseAuth, "no answer within 1s")
}

// silent is an input that says nothing and does not end before the test does: a command that
// reads it goes away with its connection.
func silent(t *testing.T) io.Reader {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { _ = w.Close() })
	return r
}

// outcome is what a Run in the background returned, within a time that only a hang exceeds.
func outcome(t *testing.T, pending <-chan error) error {
	t.Helper()
	select {
	case err := <-pending:
		return err
	case <-time.After(time.Minute):
		t.Fatal("Run hangs")
		return nil
	}
}

// stopPeer stops the sshd process that serves h, as a machine that has lost power or its cable.
func stopPeer(t *testing.T, h host.Host) {
	t.Helper()
	var out bytes.Buffer
	if err := h.Run(t.Context(), host.Command{Args: []string{"sh", "-c", "echo $PPID"}, Stdout: &out}); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // it may be gone
}

func TestDeadPeer(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	o := server.Options(t, "cp-1")
	o.KeepAlive = 200 * time.Millisecond
	h := connect(t, o)
	pending := make(chan error, 20)
	for range 6 {
		go func() { pending <- h.Run(t.Context(), host.Command{Args: []string{"cat"}, Stdin: silent(t)}) }()
	}
	dialled, err := h.Dial(t.Context(), "tcp", net.JoinHostPort(server.Address, strconv.Itoa(server.Port)))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(t.Context(), host.Command{Args: []string{"sleep", "1"}}); err != nil {
		t.Fatalf("a quiet but live machine was given up: %v", err)
	}
	stopPeer(t, h)
	for range cap(pending) - 6 { // more than there are sessions
		go func() { pending <- h.Run(t.Context(), host.Command{Args: []string{"true"}}) }()
	}
	for range cap(pending) {
		unreachable(t, outcome(t, pending), host.PhaseLost, "no sign of life")
	}
	if err := dialled.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := dialled.Read(make([]byte, 100)); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				t.Error("the tunnel outlives its connection")
			}
			break
		}
	}
	unreachable(t, h.Run(t.Context(), host.Command{Args: []string{"true"}}), host.PhaseLost)
	_, err = h.Dial(t.Context(), "tcp", "127.0.0.1:22")
	unreachable(t, err, host.PhaseLost)
}

// Giving up on a machine that does not answer takes no longer than on one that does not obey.
func TestCancelDeadPeer(t *testing.T) {
	o := hosttest.Serve(t, hosttest.Setup{}).Options(t, "cp-1")
	o.KeepAlive = time.Hour
	h := connect(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	pending := make(chan error, 7)
	for range cap(pending) {
		go func() { pending <- h.Run(ctx, host.Command{Args: []string{"cat"}, Stdin: silent(t)}) }()
	}
	stopPeer(t, h)
	cancel()
	for range cap(pending) {
		if err := outcome(t, pending); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "cp-1 (") {
			t.Errorf("error %v", err)
		}
	}
}

// sshd turns connections away while too many others log in.
func TestMaxStartups(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{Config: "MaxStartups 1:100:1"})
	idle, err := net.Dial("tcp", net.JoinHostPort(server.Address, strconv.Itoa(server.Port)))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(500*time.Millisecond, func() { _ = idle.Close() })
	connect(t, server.Options(t, "cp-1"))
	if !strings.Contains(server.Log(), "drop connection") {
		t.Errorf("the server turned nobody away:\n%s", server.Log())
	}
}

func TestPeerGone(t *testing.T) {
	h := connect(t, hosttest.Serve(t, hosttest.Setup{}).Options(t, "cp-1"))
	err := h.Run(t.Context(), host.Command{Args: []string{"sh", "-c", "kill -9 $PPID; cat"}, Stdin: silent(t)})
	unreachable(t, err, host.PhaseLost)
}

func TestClosed(t *testing.T) {
	h := connect(t, hosttest.Serve(t, hosttest.Setup{}).Options(t, "cp-1"))
	pending := make(chan error, 1)
	go func() { pending <- h.Run(t.Context(), host.Command{Args: []string{"cat"}, Stdin: silent(t)}) }()
	time.AfterFunc(100*time.Millisecond, func() { _ = h.Close() })
	unreachable(t, outcome(t, pending), host.PhaseLost, "closed by this side")
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func TestIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this kernel has no IPv6 loopback: %v", err)
	}
	_ = l.Close()
	server := hosttest.Serve(t, hosttest.Setup{Listen: "::1"})
	h := connect(t, server.Options(t, "cp-1"))
	if want := "cp-1 ([::1]:" + strconv.Itoa(server.Port) + ")"; h.String() != want {
		t.Errorf("named %s, expected %s", h, want)
	}
	var out bytes.Buffer
	if err := h.Run(t.Context(), host.Command{Args: []string{"sh", "-c", "echo $SSH_CONNECTION"}, Stdout: &out}); err != nil || !strings.HasPrefix(out.String(), "::1 ") {
		t.Errorf("connected by %s, error %v", &out, err)
	}
}
