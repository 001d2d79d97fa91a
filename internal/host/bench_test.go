package host_test

import (
	"io"
	"testing"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

// zeros is an endless source that costs next to nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

const payload = 500 << 20 // bytes, about what a node receives

func BenchmarkSend(b *testing.B) {
	h := connect(b, hosttest.Serve(b, hosttest.Setup{}).Options(b, "cp-1"))
	b.SetBytes(payload)
	for b.Loop() {
		in := io.LimitReader(zeros{}, payload)
		if err := h.Run(b.Context(), host.Command{Args: []string{"sh", "-c", "cat >/dev/null"}, Stdin: in}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommand(b *testing.B) {
	h := connect(b, hosttest.Serve(b, hosttest.Setup{}).Options(b, "cp-1"))
	for b.Loop() {
		if err := h.Run(b.Context(), host.Command{Args: []string{"true"}}); err != nil {
			b.Fatal(err)
		}
	}
}
