package bootstrap

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kubeadm"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// takeOverFile keeps that a cluster is being taken over, until that is finished, and what was there before.
const takeOverFile = "take-over"

// takingOver is what is kept of it.
type takingOver struct {
	Unfinished bool             `json:"unfinished"`
	Replaced   []map[string]any `json:"replaced"` // objects of the API as they were, none of them secret
}

// TakeOverError is a cluster on the machines that Slipway did not make.
type TakeOverError struct{ nodes []string }

func (e *TakeOverError) Error() string {
	return strings.Join(e.nodes, ", ") + ": a cluster that Slipway did not make runs there"
}

// Remedy is what to do then.
func (e *TakeOverError) Remedy() string {
	return "if it was made by kubeadm and is to be taken over with all that is in it, say so with --take-over, and let slipway plan show what that changes; or else remove it first (kubeadm reset), or use other machines"
}

// findTaken finds out which machines are nodes of the cluster that is taken over, and are not Slipway's yet: those that know
// its authority. That the cluster is to be taken over was said now, or when it was begun.
func (r *Run) findTaken(ctx context.Context) error {
	var kept takingOver
	if _, err := r.dir.Get(takeOverFile, &kept); err != nil {
		return err
	}
	asked := r.TakeOver || kept.Unfinished
	ca := bytes.TrimSpace(r.certs.CA(pki.Kubernetes).Cert)
	const caPath, kubeletPath = layout.PKI + "/ca.crt", layout.KubeletConf
	err := each(r.machines, func(m *machine) error {
		if m.facts.Cluster != "" || m.node.Role == spec.LoadBalancer || len(m.facts.Leftovers) == 0 && !asked {
			return nil // bare machines are not asked once more
		}
		files, err := fetch(ctx, m, []string{caPath, kubeletPath})
		m.taken = err == nil && bytes.Equal(bytes.TrimSpace(files[caPath]), ca) && len(files[kubeletPath]) > 0
		return err
	})
	if err != nil {
		return err
	}
	if names := r.taken(); !asked && len(names) > 0 {
		return &TakeOverError{names}
	}
	var out []spec.Objection
	r.taking = kept.Unfinished || len(r.taken()) > 0
	for _, m := range r.machines {
		if m.node.Role == spec.ControlPlane && !m.taken && m.facts.Cluster != r.certs.ClusterID() {
			out = append(out, about(m.node, "No control plane of the cluster", "%s (%s) is not a control plane of the cluster that is to be taken over. Leave the control planes as slipway export wrote them.", m.node.Name, m.node.Address))
		}
	}
	if !r.taking {
		return nil
	}
	return r.Cluster.Refuse(out...)
}

// takesAnew reports whether nothing of the cluster is Slipway's yet.
func (r *Run) takesAnew() bool {
	return r.taking && !slices.ContainsFunc(r.machines, func(m *machine) bool { return m.facts.Cluster != "" })
}

// guardTakeOver compares the file with the cluster as it runs, before the first step: what cannot be followed is refused,
// what becomes otherwise is told in the plan.
func (r *Run) guardTakeOver(ctx context.Context, p *plan.Plan) error {
	if !r.takesAnew() {
		return nil
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return fmt.Errorf("a cluster is taken over while it serves: %w", err)
	}
	found, err := kubeadm.Read(ctx, client)
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("the cluster on these machines was not made by kubeadm: it has no ConfigMap kube-system/%s; only kubeadm's clusters can be taken over", kubeadm.ConfigName)
	}
	live, findings := found.Spec()
	if err := r.Cluster.Refuse(r.guardLive(live)...); err != nil {
		return err
	}
	if refused := kubeadm.Refused(findings); refused != nil {
		return refused
	}
	for _, f := range findings {
		p.Warnings = append(p.Warnings, f.What)
	}
	for _, m := range r.machines {
		if m.taken {
			if err := r.guardMachine(ctx, m, p); err != nil {
				return &NodeError{m.node.Name, err}
			}
		}
	}
	p.Warnings = append(p.Warnings, fmt.Sprintf("kubeadm's files on each machine are copied to %s before the first is replaced; its objects that are replaced are kept in %s",
		node.KeptDir(r.certs.ClusterID()), r.Cluster.StateDir))
	return nil
}

// guardLive refuses a file that says another cluster than the one that runs.
func (r *Run) guardLive(live *spec.Cluster) (out []spec.Objection) {
	out = r.guardApplied(wished(live))
	at := r.Cluster.Places
	if now, was := r.Cluster.Kubernetes, live.Kubernetes; now != was {
		out = append(out, spec.Objection{At: at.Kubernetes, Summary: "Changed version", Detail: fmt.Sprintf("The cluster runs %s, and is taken over as it runs. Write that, and another version when all is taken over.", was)})
	}
	if now, was := r.Cluster.Network.Backend, live.Network.Backend; now != was {
		out = append(out, spec.Objection{At: at.Pods, Summary: "Changed pod network", Detail: fmt.Sprintf("The cluster's pod network is %q, and the file says %q. Write what runs.", was, now)})
	}
	if r.Cluster.LoadBalancer.Kind == spec.VIP {
		out = append(out, spec.Objection{At: at.Cluster, Summary: "Shared address", Detail: "A cluster is taken over with the balancer that it has: two would fight over the address. Write load_balancer \"external\" {}, and change it when all is taken over."})
	}
	for _, n := range live.Nodes {
		i := slices.IndexFunc(r.Cluster.Nodes, func(d spec.Node) bool { return d.Name == n.Name })
		switch {
		case i < 0:
			out = append(out, spec.Objection{At: at.Cluster, Summary: "Undeclared node", Detail: fmt.Sprintf("%s (%s) is a node of the cluster, and the file does not declare it. Put it in, as slipway export writes it, or take it out of the cluster first.", n.Name, n.Address)})
		case r.Cluster.Nodes[i].Address != n.Address || r.Cluster.Nodes[i].Role != n.Role:
			out = append(out, about(r.Cluster.Nodes[i], "Another node", "In the cluster %s is a %s at %s. Write that.", n.Name, n.Role, n.Address))
		}
	}
	return append(out, r.guardShared()...)
}

// guardShared refuses an endpoint that a control plane holds itself, without a proxy: Slipway's API servers do not listen on it.
func (r *Run) guardShared() (out []spec.Objection) {
	c := r.Cluster
	if c.LoadBalancer.Kind != spec.External || c.EndpointName != "" || c.Endpoint.Port() != 6443 {
		return nil
	}
	for _, m := range r.controlPlanes() {
		if _, holds := m.facts.Addresses[c.Endpoint.Addr().String()]; holds && c.Endpoint.Addr() != m.node.Address {
			out = append(out, spec.Objection{At: c.Places.Cluster, Summary: "Shared address without a proxy",
				Detail: fmt.Sprintf("%s holds the endpoint %s itself, and Slipway's API servers listen on each machine's own address only: nothing would answer there. Put a proxy before them, at another port or on other machines, first.", m.node.Name, c.Endpoint)})
		}
	}
	return out
}

// replacedObjects are those of the API that go when all is taken over.
func (r *Run) replacedObjects(ctx context.Context, p *plan.Plan) error {
	if !r.taking {
		return nil
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return nil //nolint:nilerr // cut off, it may be starting again: observeObjects has told so
	}
	gone, err := kubeadm.Leftovers(ctx, client)
	for _, g := range gone {
		p.Objects = append(p.Objects, plan.Object{ID: g.ID(), Action: node.Delete})
	}
	return err
}

// taken are the names of the machines that are taken over.
func (r *Run) taken() (names []string) {
	for _, m := range r.machines {
		if m.taken {
			names = append(names, m.node.Name)
		}
	}
	return names
}

func (r *Run) tellTaken() {
	if names := r.taken(); len(names) > 0 {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: "taking over the cluster of kubeadm on " + strings.Join(names, ", ")})
	}
}
