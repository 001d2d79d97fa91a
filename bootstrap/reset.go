package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"regexp"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/pki"
)

// Resetting says how Reset goes about it.
type Resetting struct {
	Purge bool // delete etcd's data, which is otherwise moved aside
	Force bool // take the machine apart even if the cluster could not be told
}

// LeavingError is a cluster that could not be told that this machine leaves it.
type LeavingError struct{ err error }

func (e *LeavingError) Error() string { return "the cluster could not be told: " + e.err.Error() }
func (e *LeavingError) Unwrap() error { return e.err }

// Remedy is the way on.
func (e *LeavingError) Remedy() string {
	return "nothing was changed on this machine; try again when the cluster answers, or add --force to take the machine apart all the same: then its etcd member and its Node stay in the cluster until somebody removes them"
}

// Reset takes this machine out of its cluster: its etcd member leaves, its Node is deleted, and the machine is left as
// it was found. Running it again finishes what was interrupted.
func (r *Run) Reset(ctx context.Context, how Resetting) error {
	var err error
	if r.binary, err = agent.Self(); err != nil {
		return err
	}
	h := host.NewLocal()
	m := &machine{host: h, agent: agent.New(h, r.binary)}
	if m.facts, err = m.agent.Facts(ctx, node.Ask{}); err != nil {
		return err
	}
	m.node.Name, r.Here = m.facts.Node, m.facts.Node
	r.machines = []*machine{m}
	if err := r.recognize(ctx, m); err != nil {
		return err
	}
	err = r.stage("leave", func(sink event.Sink) error { return r.leaveCluster(ctx, m, sink) })
	if err != nil && !how.Force {
		return &LeavingError{err}
	}
	if err != nil {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: "the cluster still counts this machine as its own: " + err.Error()})
	}
	err = r.eachStage("reset", r.machines, func(m *machine, sink event.Sink) error {
		return r.clean(ctx, m, how.Purge, sink)
	})
	if err == nil && r.left != nil {
		r.forget(ctx, m)
	}
	return err
}

// recognize finds out from the machine's own files which cluster it is in, and as what.
func (r *Run) recognize(ctx context.Context, m *machine) error {
	own, err := ownCluster()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		own = &spec.Cluster{}
	case err != nil:
		return err
	}
	r.Cluster = own
	if own.LoadBalancer.Kind == "" {
		if err := r.recognizeAddress(ctx, m); err != nil {
			return err
		}
	}
	for _, n := range own.Nodes {
		if n.Name == m.node.Name {
			m.node = n
		}
	}
	// A machine whose joining was cut off keeps what it was given before it runs anything.
	if dir, err := statedir.View(ownState); err == nil {
		if certs, err := dir.Load(); err == nil && m.facts.Cluster == certs.ClusterID() {
			r.certs, m.node.Role = certs, spec.ControlPlane
			return nil
		}
	}
	files, err := fetch(ctx, m, pki.RecoverPaths(spec.ControlPlane))
	if err != nil {
		return err
	}
	if len(files[layout.PKI+"/ca.key"]) > 0 {
		m.node.Role = spec.ControlPlane
		r.certs, err = pki.Rebuild(map[string]map[string][]byte{m.node.Name: files})
		return err
	}
	if ca := files[layout.PKI+"/ca.crt"]; len(ca) > 0 {
		m.node.Role = spec.Worker
		r.certs, err = pki.Trusted(ca)
	}
	return err
}

// shared finds the endpoint's address in what slipway wrote for keepalived.
var shared = regexp.MustCompile(`(?m)^\s+(\S+)/\d+ dev \S+$`)

// recognizeAddress finds out which address this machine may hold for a cluster whose file is elsewhere: a keepalived that is
// killed leaves it on the interface.
func (r *Run) recognizeAddress(ctx context.Context, m *machine) error {
	files, err := fetch(ctx, m, []string{components.KeepalivedFile})
	if err != nil {
		return err
	}
	found := shared.FindSubmatch(files[components.KeepalivedFile])
	if found == nil {
		return nil
	}
	address, err := netip.ParseAddr(string(found[1]))
	if err != nil {
		return fmt.Errorf("%s: %w", components.KeepalivedFile, err)
	}
	r.Cluster.LoadBalancer.Kind, r.Cluster.Endpoint = spec.VIP, netip.AddrPortFrom(address, 6443)
	return nil
}

// leaveCluster tells the cluster, if there is one to tell.
func (r *Run) leaveCluster(ctx context.Context, m *machine, sink event.Sink) error {
	switch {
	case m.facts.Cluster == "" || r.certs == nil:
		return nil
	case m.node.Role == spec.ControlPlane:
		return r.leaveQuorum(ctx, m, sink)
	}
	return tell(ctx, sink, check.Condition{Name: "the node is deleted", Node: m.node.Name, Test: func(ctx context.Context) error {
		client, err := r.asNode(m)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was interrupted before it had joined
		}
		if err != nil {
			return err
		}
		return client.DeleteNode(ctx, m.node.Name)
	}})
}

// asNode is a client with the rights of this machine's own kubelet, which may delete its Node.
func (r *Run) asNode(m *machine) (*kube.Client, error) {
	pair, err := os.ReadFile(components.KubeletClientCurrent)
	if err != nil {
		return nil, err
	}
	in := components.Input{Cluster: r.Cluster, Certs: r.certs}
	return kube.Connect(kube.Access{Server: in.Server(m.node), CA: r.certs.CA(pki.Kubernetes).Cert, Cert: pair, Key: pair})
}

// tellPatience is how long a cluster is tried that may no longer be there.
const tellPatience = 20 * time.Second

func tell(ctx context.Context, sink event.Sink, done check.Condition) error {
	ctx, cancel := context.WithTimeout(ctx, tellPatience)
	defer cancel()
	return check.Wait(ctx, sink, done)
}
