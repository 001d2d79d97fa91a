package hosttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
)

// listen accepts connections on loopback and gives each to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed by the cleanup
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

func testDial(t *testing.T, h host.Host) {
	addr := listen(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	conn, err := h.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.RemoteAddr().String(); got != addr {
		t.Errorf("remote address %s, expected %s", got, addr)
	}
	in := random(4 << 20)
	go func() {
		if _, err := conn.Write(in); err != nil {
			t.Errorf("write: %v", err)
		}
	}()
	got := make([]byte, len(in))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, in) {
		t.Errorf("4 MiB came back changed, or %v", err)
	}

	bye := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "bye") })
	conn, err = h.Dial(t.Context(), "tcp", bye)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := io.ReadAll(conn); string(got) != "bye" || err != nil {
		t.Errorf("read %q, error %v", got, err)
	}
}

// TLS and HTTP clients rely on deadlines.
func testDialDeadline(t *testing.T, h host.Host) {
	addr := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	conn, err := h.Dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var slow net.Error
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &slow) || !slow.Timeout() {
		t.Errorf("read: error %v, expected a timeout", err)
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = conn.Close() })
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("read returned without error after Close")
	}
}

func testDialRefused(t *testing.T, h host.Host) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	if conn, err := h.Dial(t.Context(), "tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("dialled a closed port")
	} else if !strings.Contains(err.Error(), h.String()) {
		t.Errorf("error %q does not name the host", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Dial(ctx, "tcp", addr); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected %v", err, context.Canceled)
	}
}
