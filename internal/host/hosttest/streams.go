package hosttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
)

// random returns n bytes without pattern, the same each time.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

func testBinaryStreams(t *testing.T, h host.Host) {
	in := random(64 << 20)
	want := sha256.Sum256(in)
	sum := output(t, h, host.Command{Args: []string{"sha256sum"}, Stdin: bytes.NewReader(in)})
	if !strings.HasPrefix(sum, fmt.Sprintf("%x ", want)) {
		t.Errorf("stdin of 64 MiB arrived with digest %s", sum)
	}
	out := sha256.New()
	// A source that can only be read, as a network or a decompressor.
	source := io.LimitReader(bytes.NewReader(in), 64<<20)
	err := h.Run(t.Context(), host.Command{Args: []string{"cat"}, Stdin: source, Stdout: out})
	if err != nil || !bytes.Equal(out.Sum(nil), want[:]) {
		t.Errorf("64 MiB through cat: digest %x, expected %x, error %v", out.Sum(nil), want, err)
	}
}

// A command that ends without reading its stdin is judged by its status alone.
func testUnreadStdin(t *testing.T, h host.Host) {
	in := random(8 << 20)
	if err := h.Run(t.Context(), host.Command{Args: []string{"true"}, Stdin: bytes.NewReader(in)}); err != nil {
		t.Errorf("true: %v", err)
	}
	_ = wantRunError(t, h.Run(t.Context(), host.Command{Args: []string{"false"}, Stdin: bytes.NewReader(in)}), 1)
	blocked, w := io.Pipe()
	defer w.Close()
	if err := h.Run(t.Context(), host.Command{Args: []string{"true"}, Stdin: blocked}); err != nil {
		t.Errorf("true with a silent stdin: %v", err)
	}
}

// Half of the data must not pass for all of it.
func testBrokenStdin(t *testing.T, h host.Host) {
	broken := errors.New("disk unplugged")
	var out bytes.Buffer
	err := h.Run(t.Context(), host.Command{
		Args:   sh("cat >/dev/null; echo complete"),
		Stdin:  io.MultiReader(strings.NewReader("half"), failing{broken}),
		Stdout: &out,
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), h.String()) {
		t.Errorf("error %v, expected one that names the host and wraps %v", err, broken)
	}
	if out.Len() > 0 {
		t.Errorf("the command took the broken stdin as whole: %q", &out)
	}
}

func testBrokenStdout(t *testing.T, h host.Host) {
	broken := errors.New("disk full")
	err := h.Run(t.Context(), host.Command{Args: sh("while :; do echo y; done"), Stdout: failing{broken}})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, expected %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

// One writer for both streams is never called twice at once; the race detector watches.
func testSharedWriter(t *testing.T, h host.Host) {
	var both bytes.Buffer
	const script = `i=0; while [ $i -lt 500 ]; do echo out; echo err >&2; i=$((i+1)); done`
	if err := h.Run(t.Context(), host.Command{Args: sh(script), Stdout: &both, Stderr: &both}); err != nil {
		t.Fatal(err)
	}
	if got := both.Len(); got != 4000 {
		t.Errorf("%d bytes arrived, expected 4000", got)
	}
}

// More commands at once than a server allows sessions.
func testConcurrent(t *testing.T, h host.Host) {
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			var out bytes.Buffer
			in := fmt.Sprint("stdin of ", i)
			err := h.Run(t.Context(), host.Command{Args: sh("sleep 0.1; cat"), Stdin: strings.NewReader(in), Stdout: &out})
			if err != nil || out.String() != in {
				t.Errorf("command %d: stdout %q, error %v", i, &out, err)
			}
		})
	}
	wg.Wait()
}

func testCancel(t *testing.T, h host.Host) {
	cancelled(t, h, host.Command{Args: sh("sleep 1000 & echo $$ $!; wait")})
	// A caller that gives up at once, perhaps before the command has started.
	for range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := h.Run(ctx, host.Command{Args: []string{"sleep", "1000"}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		cancel()
	}
}

func testCancelStubborn(t *testing.T, h host.Host) {
	cancelled(t, h, host.Command{Args: sh("trap '' TERM HUP; (while :; do sleep 1; done) & echo $$ $!; wait")})
}

func testRootCancel(t *testing.T, h host.Host) {
	cancelled(t, h, host.Command{Args: sh("sleep 1000 & echo $$ $!; wait"), Root: true})
}

// cancelled runs c, which prints process ids, cancels it, and sees those processes gone.
func cancelled(t *testing.T, h host.Host, c host.Command) {
	t.Helper()
	pids, w := io.Pipe()
	c.Stdout = w
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("changed my mind")
	result := make(chan error, 1)
	go func() { result <- h.Run(ctx, c) }()
	var a, b int
	if _, err := fmt.Fscanln(pids, &a, &b); err != nil {
		t.Fatal(err)
	}
	cancel(why)
	select {
	case err := <-result:
		if !errors.Is(err, why) || !strings.Contains(err.Error(), h.String()) {
			t.Errorf("error %v, expected one that names the host and wraps %v", err, why)
		}
	case <-time.After(time.Minute):
		t.Fatal("Run did not return within a minute of being cancelled")
	}
	// A zombie has ended; whose child it is decides when it disappears.
	const alive = `for p; do grep -s '^State:' "/proc/$p/status" | grep -qv zombie && echo "$p"; done; exit 0`
	if got := output(t, h, host.Command{Args: sh(alive, fmt.Sprint(a), fmt.Sprint(b))}); got != "" {
		t.Errorf("still running after Run returned: %q of %d, %d", got, a, b)
	}
}
