package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// guardRestore refuses by what the file, the state directory and the archive say, before anything is connected to.
func (r *Run) guardRestore() error {
	s := r.restore.source
	if s.name != "" && s.name != r.Cluster.Name {
		return &RestoreError{fmt.Sprintf("%s is of the cluster %q, and the file of %q", s.path, s.name, r.Cluster.Name), "restore it with the file and the state directory of its own cluster"}
	}
	if ahead := time.Until(s.taken); ahead > preflight.MaxSkew {
		return &RestoreError{fmt.Sprintf("%s was taken %s from now, at %s: this machine's clock or that of whoever took it is wrong", s.path, ahead.Round(time.Second), s.taken.Local().Format(time.DateTime)),
			"set the clock right: certificates and leases go by it"}
	}
	var taking takingOver
	if _, err := r.dir.Get(takeOverFile, &taking); err != nil {
		return err
	}
	if taking.Unfinished {
		return &RestoreError{"the cluster is being taken over from kubeadm, which stands half way", "finish it first: slipway apply --take-over"}
	}
	var j rollout
	if _, err := r.dir.Get(rolloutFile, &j); err != nil {
		return err
	}
	if j.under() && r.Here == "" { // by hand what is restored says which version it is
		return &RestoreError{fmt.Sprintf("a change from Kubernetes %s to %s stands half way: no one version describes the cluster", j.From, j.To),
			fmt.Sprintf("slipway apply with kubernetes = %q finishes it, slipway rollback takes it back; then restore", j.To)}
	}
	return r.guardSpec()
}

// guardSpec refuses a file that what is restored would not fit.
func (r *Run) guardSpec() error {
	var was applied
	found, err := r.dir.Get(appliedFile, &was)
	if err != nil {
		return err
	}
	archived, err := r.restore.source.cluster(r.Cluster.Kubernetes)
	if err != nil {
		return err
	}
	if !found && archived != nil {
		was = wished(archived)
	}
	objections, err := r.guardSkipped()
	if err != nil {
		return err
	}
	objections = append(append(objections, r.guardFamily()...), r.guardApplied(was)...)
	before, err := r.dir.Nodes()
	if err != nil {
		return err
	}
	for _, n := range r.Cluster.Nodes {
		for _, old := range before {
			if n.Address == old.Address && n.Role != old.Role {
				objections = append(objections, about(n, "Changed role", "The machine at %s was applied as %s, a %s. Restore with role = %q, and change it afterwards.", n.Address, old.Name, old.Role, old.Role))
			}
		}
	}
	return r.Cluster.Refuse(objections...)
}

// guardVersions refuses data that what the bundle holds could not read, or would read otherwise.
func (r *Run) guardVersions() error {
	s := r.restore.source
	if s.kubernetes == "" {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: fmt.Sprintf("%s does not say of which version of Kubernetes it is: that %s can read it is for you to know", s.path, r.Cluster.Kubernetes)})
	} else if same, err := sameMinor(s.kubernetes, r.Cluster.Kubernetes); err != nil {
		return err
	} else if !same {
		if r.Here != "" {
			return &RestoreError{fmt.Sprintf("%s is of Kubernetes %s, and this machine's cluster of %s", s.path, s.kubernetes, r.Cluster.Kubernetes),
				"go back to that with --kubernetes " + s.kubernetes + ", and the bundle of it; upgrade afterwards"}
		}
		return &RestoreError{fmt.Sprintf("%s is of Kubernetes %s, and the file says %s", s.path, s.kubernetes, r.Cluster.Kubernetes),
			fmt.Sprintf("write kubernetes = %q into the file, restore, and upgrade afterwards", s.kubernetes)}
	}
	ours := r.bundle.Manifest().Versions["etcd"]
	if s.etcd == "" || ours == "" {
		return nil
	}
	was, err := version.ParseGeneric(s.etcd)
	if err != nil {
		return fmt.Errorf("%s: the version of etcd, %q: %w", s.path, s.etcd, err)
	}
	now, err := version.ParseGeneric(ours)
	if err != nil {
		return fmt.Errorf("the bundle's version of etcd, %q: %w", ours, err)
	}
	if was.Major() != now.Major() || was.Minor() > now.Minor() {
		return &RestoreError{fmt.Sprintf("%s is of etcd %s, whose form etcd %s of the bundle does not know", s.path, s.etcd, ours), "take a bundle with a newer etcd"}
	}
	return nil
}

func sameMinor(a, b string) (bool, error) {
	x, err := version.ParseGeneric(a)
	if err != nil {
		return false, fmt.Errorf("version %q: %w", a, err)
	}
	y, err := version.ParseGeneric(b)
	if err != nil {
		return false, fmt.Errorf("version %q: %w", b, err)
	}
	return x.Major() == y.Major() && x.Minor() == y.Minor(), nil
}

// guardForeign refuses data of another cluster than that of the keys. Which cluster the machines are of, preflight looks at.
func (r *Run) guardForeign() error {
	s := r.restore.source
	remedy := "restore it with the file and the state directory of its own cluster"
	if s.id != "" && s.id != r.certs.ClusterID() {
		return &RestoreError{fmt.Sprintf("%s is of another cluster of that name: its id is %s, that of the keys here %s", s.path, s.id, r.certs.ClusterID()), remedy}
	}
	if s.ca != "" && strings.TrimSpace(s.ca) != strings.TrimSpace(string(r.certs.CA(pki.Kubernetes).Cert)) {
		return &RestoreError{s.path + " is of another cluster: the authority that its pods trust is not the one here", remedy}
	}
	return nil
}

// guardRoom: the old data stays, and the snapshot lies beside the new while that is made.
func (r *Run) guardRoom() error {
	var unfit []error
	need := 2*r.restore.source.size + 64<<20
	for _, m := range r.controlPlanes() {
		if free, known := m.facts.DiskFree[layout.Etcd]; known && free < need {
			unfit = append(unfit, &UnfitError{preflight.Finding{Node: m.node.Name,
				What: fmt.Sprintf("%s has %d MiB free, and restoring takes %d MiB beside the data that is there", layout.Etcd, free>>20, need>>20), Remedy: "free some space there"}})
		}
	}
	return errors.Join(unfit...)
}

// live asks the cluster, where there is one that serves, how much it holds, and that its version is not being changed by hand.
func (r *Run) live(ctx context.Context) (*Live, error) {
	if client, err := r.anyAPI(ctx); err == nil && !r.restore.journal.under() && !r.restore.over { // later it may be what was restored that answers
		if err := r.guardServing(ctx, client); err != nil {
			return nil, err
		}
	}
	var out *Live
	for _, m := range r.controlPlanes() {
		if m.facts.Cluster != r.certs.ClusterID() {
			continue
		}
		client, err := r.memberOf(m)
		if err != nil {
			return nil, err
		}
		revision, keys, err := client.Extent(ctx)
		if err == nil {
			out = &Live{revision, keys}
		}
		if err := client.Close(); err != nil || out != nil {
			return out, err
		}
	}
	return nil, nil
}

// guardServing refuses a cluster that answers and is not as what looks after it takes it to be. By hand a change of version that stands half
// way may be why it is restored.
func (r *Run) guardServing(ctx context.Context, client *kube.Client) error {
	if r.Here == "" {
		return halfWay(ctx, client)
	}
	return r.guardFromFile(ctx, client)
}

func (r *Run) findGoneWorkers() error {
	nodes, left, err := r.undeclaredNodes()
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Role != spec.ControlPlane {
			r.gone = append(r.gone, &machine{node: n})
		}
	}
	r.addLeft(left)
	return nil
}
