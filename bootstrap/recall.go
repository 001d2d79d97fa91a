package bootstrap

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// recall fills in which nodes were applied, and with what, from the cluster itself where the state directory is
// new and the cluster is not: or else nodes taken out of the file meanwhile would go unnoticed, and the guards
// would know nothing. Without an API server it waits for Apply to start one.
func (r *Run) recall(ctx context.Context) error {
	known, err := r.dir.Nodes()
	if err != nil || known != nil || r.bare() {
		return err
	}
	if err := r.recallApplied(ctx); err != nil {
		return err
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		r.forgetful = true
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: "which nodes were applied is not known, for the state directory is new and no API server answers: " +
			"nodes taken out of the file meanwhile are noticed by the first plan after the cluster is up"})
		return nil
	}
	nodes, err := r.recallNodes(ctx, client)
	if err != nil {
		return err
	}
	r.forgetful = false
	r.Sink.Emit(event.Event{Kind: event.Warning, Message: fmt.Sprintf("which nodes were applied was read back from the cluster: %s", names(nodes))})
	if err := r.dir.PutNodes(nodes); err != nil {
		return err
	}
	return r.guard()
}

// recallLate is recall once Apply has started the cluster. Nodes that it finds undeclared were in no plan that
// anybody has seen, and so are left to the next.
func (r *Run) recallLate(ctx context.Context) error {
	if err := r.recall(ctx); err != nil || r.forgetful {
		return err
	}
	if err := r.findGone(ctx, &plan.Plan{}); err != nil {
		return err
	}
	err := r.remember()
	for _, m := range r.gone {
		r.Sink.Emit(event.Event{Kind: event.Warning, Node: m.node.Name, Message: "it is in the cluster, but not in the file: the next apply removes it"})
	}
	r.gone = nil
	return err
}

// recallNodes are the nodes that the API or the machines themselves say are this cluster's. How a machine
// is reached that the file no longer declares is not known there: it is taken to be as for the others.
func (r *Run) recallNodes(ctx context.Context, client *kube.Client) ([]spec.Node, error) {
	live, err := client.MadeNodes(ctx)
	if r.taking { // all are Slipway's from now on, whoever made them
		live, err = client.AllNodes(ctx)
	}
	if err != nil {
		return nil, err
	}
	declared := map[string]spec.Node{}
	for _, n := range r.Cluster.Nodes {
		declared[n.Name] = n
	}
	var out []spec.Node
	seen := map[string]bool{}
	for _, l := range live {
		n, ok := declared[l.Name]
		if !ok {
			n = spec.Node{Name: l.Name, SSH: r.Cluster.SSH}
		}
		if address, err := netip.ParseAddr(l.Address); err == nil {
			n.Address = address
		}
		n.Role = spec.Worker
		if slices.Contains(l.Roles, string(spec.ControlPlane)) {
			n.Role = spec.ControlPlane
		}
		seen[n.Name] = true
		out = append(out, n)
	}
	for _, m := range r.machines { // balancers have no Node, and a kubelet may not have registered yet
		if m.facts.Cluster == r.certs.ClusterID() && m.facts.Node == m.node.Name && !seen[m.node.Name] {
			out = append(out, m.node)
		}
	}
	return out, nil
}

func names(nodes []spec.Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
