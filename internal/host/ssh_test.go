package host_test

import (
	"testing"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

func connect(t testing.TB, o host.Options) *host.SSH {
	t.Helper()
	h, err := host.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestSSH(t *testing.T) {
	server := hosttest.Serve(t, hosttest.Setup{})
	hosttest.Run(t, func(t *testing.T) host.Host { return connect(t, server.Options(t, "cp-1")) })
}
