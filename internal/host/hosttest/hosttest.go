// Package hosttest checks that a host.Host keeps the contract, and starts real SSH servers for
// tests that need one.
package hosttest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
)

// Run runs the conformance suite: every implementation of host.Host passes it. open returns the
// host to test, and is called once per test; Run closes what it returns. The machine must be Linux
// and this one, since the suite listens on loopback for it to dial.
func Run(t *testing.T, open func(t *testing.T) host.Host) {
	for _, c := range []struct {
		name string
		test func(*testing.T, host.Host)
	}{
		{"Output", testOutput},
		{"ExitStatus", testExitStatus},
		{"Signal", testSignal},
		{"StderrTail", testStderrTail},
		{"NotFound", testNotFound},
		{"BadCommand", testBadCommand},
		{"Arguments", testArguments},
		{"BinaryStreams", testBinaryStreams},
		{"UnreadStdin", testUnreadStdin},
		{"BrokenStdin", testBrokenStdin},
		{"BrokenStdout", testBrokenStdout},
		{"SharedWriter", testSharedWriter},
		{"Concurrent", testConcurrent},
		{"Cancel", testCancel},
		{"CancelStubborn", testCancelStubborn},
		{"Dial", testDial},
		{"DialDeadline", testDialDeadline},
		{"DialRefused", testDialRefused},
		{"Root", testRoot},
		{"RootStdin", testRootStdin},
		{"RootCancel", testRootCancel},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			t.Cleanup(func() {
				if err := h.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c.test(t, h)
		})
	}
}

// output runs args to their end, within a time that only a hang exceeds.
func output(t *testing.T, h host.Host, c host.Command) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	c.Stdout = &out
	if err := h.Run(ctx, c); err != nil {
		t.Fatalf("run %q: %v", c.Args, err)
	}
	return out.String()
}

func sh(script string, args ...string) []string {
	return append([]string{"/bin/sh", "-c", script, "sh"}, args...)
}

func wantRunError(t *testing.T, err error, status int) *host.RunError {
	t.Helper()
	var failed *host.RunError
	if !errors.As(err, &failed) {
		t.Fatalf("error is %v, expected a *RunError", err)
	}
	if failed.Status != status {
		t.Errorf("status %d, expected %d (%v)", failed.Status, status, err)
	}
	return failed
}

func testOutput(t *testing.T, h host.Host) {
	var out, errs bytes.Buffer
	err := h.Run(t.Context(), host.Command{
		Args: sh("cat; echo err >&2"), Stdin: strings.NewReader("in"), Stdout: &out, Stderr: &errs,
	})
	if err != nil || out.String() != "in" || errs.String() != "err\n" {
		t.Errorf("stdout %q, stderr %q, error %v", &out, &errs, err)
	}
	if got := output(t, h, host.Command{Args: []string{"cat"}}); got != "" {
		t.Errorf("without Stdin, cat wrote %q", got)
	}
}

func testExitStatus(t *testing.T, h host.Host) {
	err := h.Run(t.Context(), host.Command{Args: sh("echo why >&2; exit 37")})
	failed := wantRunError(t, err, 37)
	if failed.Stderr != "why\n" || failed.Host != h.String() || len(failed.Args) != 4 {
		t.Errorf("error holds %+v", failed)
	}
}

func testSignal(t *testing.T, h host.Host) {
	_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: sh("kill -9 $$")}), -1)
}

func testStderrTail(t *testing.T, h host.Host) {
	const script = `i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done >&2; exit 1`
	failed := wantRunError(t, h.Run(t.Context(), host.Command{Args: sh(script)}), 1)
	if n := len(failed.Stderr); n > 4<<10 || n < 2<<10 {
		t.Errorf("kept %d bytes", n)
	}
	if !strings.HasPrefix(failed.Stderr, "line ") || !strings.HasSuffix(failed.Stderr, "line 1999\n") {
		t.Errorf("kept %q", failed.Stderr)
	}
}

func testNotFound(t *testing.T, h host.Host) {
	for _, root := range []bool{false, true} {
		_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: []string{"/no/such/program"}, Root: root}), 127)
		_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: []string{"no-such-program"}, Root: root}), 127)
		_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: []string{"/etc/passwd"}, Root: root}), 126)
	}
}

func testBadCommand(t *testing.T, h host.Host) {
	for _, args := range [][]string{nil, {""}, {"echo", "a\x00b"}} {
		if err := h.Run(t.Context(), host.Command{Args: args}); err == nil || !strings.Contains(err.Error(), h.String()) {
			t.Errorf("run %q: error %v, expected one that names the host", args, err)
		}
	}
}

func testArguments(t *testing.T, h host.Host) {
	var all []byte
	for c := 1; c < 256; c++ {
		all = append(all, byte(c))
	}
	args := []string{"", " ", "'", "''", `"`, `\`, `\\`, `\'`, "$HOME", "`id`", "$(id)", "*", "~", "-n", "--",
		"a=b", "#", "!", "{a,b}", "\n", "tail\n", ";", "&&", "é", string(all), strings.Repeat("x", 60<<10)}
	for _, root := range []bool{false, true} {
		got := output(t, h, host.Command{Args: append([]string{"printf", `%s\0`}, args...), Root: root})
		if want := strings.Join(args, "\x00") + "\x00"; got != want {
			t.Errorf("root %v: arguments arrived as %q, expected %q", root, got, want)
		}
	}
}

func testRoot(t *testing.T, h host.Host) {
	if got := output(t, h, host.Command{Args: []string{"id", "-u"}, Root: true}); got != "0\n" {
		t.Errorf("id -u printed %q", got)
	}
	_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: sh("exit 7"), Root: true}), 7)
	_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: sh("kill -9 $$"), Root: true}), -1)
}

// Nothing of what precedes the command's stdin may reach it, and no byte may be missing.
func testRootStdin(t *testing.T, h host.Host) {
	for range 3 {
		got := output(t, h, host.Command{Args: []string{"cat"}, Root: true, Stdin: strings.NewReader("first\nlast")})
		if got != "first\nlast" {
			t.Errorf("cat read %q", got)
		}
	}
	in := random(8 << 20)
	if got := output(t, h, host.Command{Args: []string{"cat"}, Root: true, Stdin: bytes.NewReader(in)}); got != string(in) {
		t.Error("8 MiB through a root command came back changed")
	}
}
