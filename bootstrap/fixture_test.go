package bootstrap

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/bundle/bundletest"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/pki"
)

func declare(name string, role spec.Role, address string) spec.Node {
	return spec.Node{Name: name, Role: role, Address: netip.MustParseAddr(address)}
}

// newRun is a run over three machines that were looked at already, with a state directory and a bundle.
func newRun(t *testing.T) *Run {
	t.Helper()
	c := &spec.Cluster{
		Name: "test", Kubernetes: "1.36.3", File: "cluster.hcl", Endpoint: netip.MustParseAddrPort("10.0.0.100:6443"),
		LoadBalancer: spec.LoadBalancing{Kind: spec.VIP, RouterID: 51},
		Network: spec.Network{
			Pods: netip.MustParsePrefix("10.244.0.0/16"), Services: netip.MustParsePrefix("10.96.0.0/16"), Proxy: "nftables", Backend: "vxlan",
			DNS: "cluster.local", NodePorts: "30000-32767",
		},
		PKI:   spec.PKI{Algorithm: "ecdsa-p256", CALifetime: 24 * 365 * time.Hour, Lifetime: 24 * 90 * time.Hour},
		Nodes: []spec.Node{declare("cp-1", spec.ControlPlane, "10.0.0.11"), declare("w-1", spec.Worker, "10.0.0.21"), declare("lb-1", spec.LoadBalancer, "10.0.0.31")},
	}
	path := filepath.Join(t.TempDir(), "b.bundle")
	bundletest.Write(t, path, c.Kubernetes, "one", "two")
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c.StateDir = filepath.Join(t.TempDir(), "state")
	dir, err := statedir.Open(c.StateDir)
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{Cluster: c, Sink: event.Discard, binary: agent.Binary{SHA256: strings.Repeat("0", 64)}, bundle: b, dir: dir}
	t.Cleanup(r.Close)
	if r.certs, err = pki.Create(c, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes {
		r.machines = append(r.machines, &machine{node: n, facts: node.Facts{
			Arch: "amd64", Systemd: true, Cgroup: 2, CPUs: 2, MemoryBytes: 4 << 30, Hostname: n.Name, MachineID: n.Name,
			Addresses: map[string]string{n.Address.String(): "eth0"}, Resolvers: []string{"192.0.2.53"}, DiskFree: map[string]int64{"/": 100 << 30},
		}})
	}
	return r
}

// log is a Sink that keeps what it is given.
type log struct {
	mu     sync.Mutex
	events []event.Event
}

func (l *log) Emit(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// unprivileged is this machine without becoming root on it.
type unprivileged struct{ *host.Local }

func (u unprivileged) Run(ctx context.Context, c host.Command) error {
	c.Root = false
	return u.Local.Run(ctx, c)
}
