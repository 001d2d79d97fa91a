package bootstrap

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// joinControlPlane makes this machine a control plane. All that can refuse does so before the first change, and all
// that is slow is done before its turn comes; then one machine at a time enters.
func (r *Run) joinControlPlane(ctx context.Context, client kubernetes.Interface, j Joining, found *kube.Discovery) error {
	n, err := j.self()
	if err != nil {
		return err
	}
	err = r.stage("certificates", func(event.Sink) error {
		return r.takeCertificates(ctx, client, j.CertificateKey, time.Now().Add(found.Skew))
	})
	if err != nil {
		return err
	}
	c, err := declaredIn(ctx, client, j.Bundle)
	if err != nil {
		return err
	}
	if err := mayJoin(ctx, client, c, n.Name); err != nil {
		return err
	}
	if r.Cluster, err = withControlPlane(c, n); err != nil {
		return err
	}
	h := host.NewLocal()
	m := &machine{node: n, host: h, agent: agent.New(h, r.binary), skew: -found.Skew}
	r.machines = []*machine{m}
	if err := r.notWorker(n); err != nil {
		return err
	}
	if err := r.ensureOwnLeaves(n); err != nil {
		return err
	}
	if err := r.openBundle(); err != nil {
		return err
	}
	if err := r.observeJoining(ctx, m, client); err != nil {
		return err
	}
	err = r.eachStage("payload", r.machines, func(m *machine, sink event.Sink) error {
		if err := r.claim(ctx, m, sink); err != nil {
			return err
		}
		return m.agent.Send(ctx, r.bundle, m.changes, sink)
	})
	if err != nil {
		return err
	}
	api, err := r.peerAPI(ctx, r.peers(n.Name))
	if err != nil {
		return err
	}
	return r.inTurn(ctx, api, n.Name, func(ctx context.Context) error { return r.enter(ctx, api, m, j) })
}

// withControlPlane is c with n as one more control plane, or as the one that it is already.
func withControlPlane(c *spec.Cluster, n spec.Node) (*spec.Cluster, error) {
	switch {
	case c.LoadBalancer.Kind == spec.Direct:
		return nil, unfit(n.Name, "the cluster has no endpoint that outlives its one control plane, so it cannot have a second",
			"begin it anew with slipway init --endpoint HOST:PORT; workers can join as it is")
	case c.LoadBalancer.Kind == spec.VIP && c.LoadBalancers()[0].Role == spec.LoadBalancer:
		return nil, unfit(n.Name, "the cluster's endpoint is held by load-balancer nodes, which a joining machine cannot tell of a new control plane",
			"declare the control planes in the cluster's file from the start")
	}
	grown := *c
	grown.Nodes = slices.Clone(c.Nodes)
	for i, other := range c.Nodes {
		switch {
		case other.Name == n.Name && other.Address == n.Address && other.Role == n.Role:
			grown.Nodes[i] = n // its second try
			return reread(&grown)
		case other.Name == n.Name:
			return nil, nameTaken(n.Name)
		case other.Address == n.Address:
			return nil, addressTaken(n, other)
		}
	}
	grown.Nodes = append(grown.Nodes, n)
	return reread(&grown)
}

// notWorker refuses a machine that is a worker of a cluster: what is on it is not a control plane's.
func (r *Run) notWorker(n spec.Node) error {
	own, here, err := Own()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, o := range own.Nodes {
		if o.Name == here && o.Role == spec.Worker {
			return unfit(n.Name, "this machine has joined as a worker", "slipway reset, then join as a control plane")
		}
	}
	return nil
}

// ensureOwnLeaves issues this machine's certificates, and none of the others': they have theirs.
func (r *Run) ensureOwnLeaves(n spec.Node) error {
	alone := *r.Cluster
	alone.Nodes = []spec.Node{n}
	_, err := r.certs.Ensure(&alone, time.Now())
	return err
}

// keepState makes this machine keep what it is, for the verbs that run on it later: certificates, and the declaration.
// What a run before this one issued is used again, or every second try would restart what runs.
func (r *Run) keepState(n spec.Node) (err error) {
	if r.dir == nil {
		if err := os.MkdirAll(ownDir, 0o700); err != nil {
			return err
		}
		if r.dir, err = statedir.Open(ownState); err != nil {
			return err
		}
	}
	switch stored, err := r.stored(); {
	case errors.Is(err, statedir.ErrEmpty):
	case err != nil:
		return err
	case stored.ClusterID() != r.certs.ClusterID():
		return unfit(n.Name, ownState+" holds another cluster", "slipway reset first")
	default:
		r.certs = stored
	}
	if err := r.ensureOwnLeaves(n); err != nil {
		return err
	}
	if err := r.dir.Save(r.certs); err != nil {
		return err
	}
	return r.keepDeclaration()
}
