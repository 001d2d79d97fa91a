// Package bootstrap is the course of things: observe the machines, plan what differs, carry it out
// and wait until it holds. Each verb of the command line is one function here.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
	"github.com/slipway/slipway/pki"
)

// Run is one verb at work on one cluster. It is used by one goroutine; Close it.
type Run struct {
	Cluster  *spec.Cluster
	Sink     event.Sink
	Here     string        // name of the node that is this very machine; "" when all are reached over SSH
	Timeout  time.Duration // for each thing that is waited for; 0: five minutes
	TakeOver bool          // a cluster of kubeadm's that runs on the machines is to become Slipway's
	TakeBack bool          // the last change of version is to be undone, whatever version the file says
	Forget   []string      // nodes no longer declared whose machines need not be cleaned if they do not answer

	binary   agent.Binary
	bundle   *bundle.Bundle
	dir      *statedir.Dir
	certs    *pki.Set
	machines []*machine
	gone     []*machine // applied earlier and no longer declared

	rollout *rollout   // nil where the version stays
	kept    string     // snapshot of etcd that this run has taken before it changed anything; "" for none
	restore *restoring // nil but in a restore
	times   timings

	change *change      // of version, by hand, that stands half way in this cluster
	opened bool         // the API holds the cluster's declaration
	asked  *kube.Client // a worker's only way to the cluster, with the rights of its own kubelet

	clients []*etcd.Client // of members that were looked at; Close closes them

	left *kube.Client // of another control plane, which was told that this machine leaves

	// members tells how etcd members entered the membership that were not there from the start.
	members map[string]components.Membership

	membership turnover
	// staying are control planes that left the file and still run: the others' balancers know them until they are clean.
	staying []spec.Node

	// taking is a run that takes a cluster over which kubeadm made, or goes on with that.
	taking bool

	// forgetful is a run that does not know which nodes were applied: it must not write that there were none.
	forgetful bool
}

// Open takes the cluster's state directory for this run alone, and opens its bundle.
func Open(c *spec.Cluster, sink event.Sink) (_ *Run, err error) {
	r := &Run{Cluster: c, Sink: sink}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.binary, err = agent.Self(); err != nil {
		return nil, err
	}
	if r.dir, err = statedir.Open(c.StateDir); err != nil {
		return nil, err
	}
	return r, nil
}

// OpenHere is Open for a cluster of which the named node is this very machine.
func OpenHere(node string) func(*spec.Cluster, event.Sink) (*Run, error) {
	return func(c *spec.Cluster, sink event.Sink) (*Run, error) {
		r, err := Open(c, sink)
		if err == nil {
			r.Here = node
		}
		return r, err
	}
}

// View opens the cluster for looking only, also while another run is at work.
func View(c *spec.Cluster, sink event.Sink) (*Run, error) {
	binary, err := agent.Self()
	if err != nil {
		return nil, err
	}
	dir, err := statedir.View(c.StateDir)
	if err != nil && !errors.Is(err, statedir.ErrEmpty) { // a cluster that was never applied can be looked at, too
		return nil, err
	}
	return &Run{Cluster: c, Sink: sink, binary: binary, dir: dir}, nil
}

// stored is the PKI as the state directory has it; the error is statedir.ErrEmpty where there is none.
func (r *Run) stored() (*pki.Set, error) {
	if r.dir == nil {
		return nil, fmt.Errorf("%s: %w", r.Cluster.StateDir, statedir.ErrEmpty)
	}
	return r.dir.Load()
}

// openBundle finds and opens the bundle; verbs that install nothing do without.
func (r *Run) openBundle() (err error) {
	path := r.Cluster.Bundle
	if path == "" {
		path, err = bundle.Find(filepath.Dir(r.Cluster.File), r.binary.Path, r.Cluster.Kubernetes)
		if err != nil {
			return err
		}
	}
	if r.bundle, err = bundle.Open(path); err != nil {
		return err
	}
	if v := r.bundle.Manifest().Kubernetes; v != r.Cluster.Kubernetes {
		return fmt.Errorf("bundle %s is for Kubernetes %s, and the cluster of %s: name another bundle or build one", path, v, r.Cluster.Kubernetes)
	}
	return nil
}

// beside is another run on the same cluster, under this one's lock, which tells sink what it does. It must be disconnected before this one is
// closed.
func (r *Run) beside(sink event.Sink) *Run {
	return &Run{Cluster: r.Cluster, Sink: sink, Here: r.Here, Timeout: r.Timeout, binary: r.binary, dir: r.dir}
}

// Close ends connections and gives the state directory free.
func (r *Run) Close() {
	r.disconnect()
	if r.dir != nil {
		_ = r.dir.Close() // the lock goes with the process at the latest
	}
}

// disconnect ends connections.
func (r *Run) disconnect() {
	for _, c := range r.clients {
		_ = c.Close() // every request has had its answer
	}
	for _, m := range append(r.machines, r.gone...) {
		if m.host != nil {
			_ = m.host.Close() // nothing was written that could be lost
		}
	}
	if r.bundle != nil {
		_ = r.bundle.Close() // read only
	}
	if r.restore != nil {
		r.restore.close()
	}
}

// loadCerts reads the cluster's PKI, or makes it. All of it exists before the first step,
// so that no step ever waits for another's data.
func (r *Run) loadCerts(ctx context.Context) (err error) {
	r.certs, err = r.stored()
	if errors.Is(err, statedir.ErrEmpty) {
		r.certs, err = r.recoverCerts(ctx)
	}
	if err != nil {
		return err
	}
	if r.certs == nil { // a new cluster
		if r.certs, err = pki.Create(r.Cluster, time.Now()); err != nil {
			return err
		}
		return r.dir.Save(r.certs)
	}
	return r.ensureCerts()
}

// ensureCerts issues what the cluster's nodes lack, and keeps all.
func (r *Run) ensureCerts() error {
	issued, err := r.certs.Ensure(r.Cluster, time.Now())
	if err != nil {
		return err
	}
	for _, i := range issued {
		r.Sink.Emit(event.Event{Kind: event.Changed, Node: i.Node, Subject: "certificate " + i.Name, Message: i.Reason})
	}
	return r.dir.Save(r.certs)
}

func (r *Run) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return 5 * time.Minute
}
