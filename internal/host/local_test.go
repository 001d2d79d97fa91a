package host_test

import (
	"testing"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/host/hosttest"
)

func TestLocal(t *testing.T) {
	hosttest.Run(t, func(*testing.T) host.Host { return host.NewLocal() })
}
