package bootstrap

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// ForgetError is a machine that Apply was told to forget, and of which there is nothing that could be forgotten.
type ForgetError struct{ Name, Why string }

func (e *ForgetError) Error() string { return "forget " + e.Name + ": " + e.Why }

// findGone plans the removal of nodes that were applied and are no longer declared. Machines that left the cluster
// before, without an answer, are tried again: those that answer now are cleaned, the others are only told of.
func (r *Run) findGone(ctx context.Context, p *plan.Plan) error {
	nodes, left, err := r.undeclaredNodes()
	if err != nil {
		return err
	}
	if err := r.checkForget(nodes, left); err != nil {
		return err
	}
	for _, n := range nodes {
		r.gone = append(r.gone, r.membership.machine(n))
	}
	r.addLeft(left)
	r.tryLeft(ctx, p)
	for _, m := range r.gone {
		if m.left == "" || m.host != nil {
			p.Nodes = append(p.Nodes, plan.Node{Name: m.node.Name, Role: string(m.node.Role), Address: m.node.Address.String(), Removed: true})
		}
	}
	return nil
}

// undeclaredNodes are those that were applied and are no longer declared, and those that left the cluster without being cleaned.
func (r *Run) undeclaredNodes() (nodes []spec.Node, left []statedir.Left, err error) {
	if nodes, err = r.dir.Nodes(); err != nil {
		return nil, nil, err
	}
	left, err = r.dir.Left()
	return slices.DeleteFunc(nodes, func(n spec.Node) bool { return r.declares(n.Name) }), left, err
}

// addLeft counts those that left among the machines to clean, unless they are declared again.
func (r *Run) addLeft(left []statedir.Left) {
	for _, n := range left {
		if !r.cameBack(n) {
			r.gone = append(r.gone, &machine{node: n.Node, left: n.Cluster})
		}
	}
}

// tryLeft connects to the machines that left without an answer. One that came up unseen has joined again by
// itself, since its kubelet is as it was: then its Node has to be removed once more.
func (r *Run) tryLeft(ctx context.Context, p *plan.Plan) {
	var left []*machine
	for _, m := range r.gone {
		if m.left != "" {
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		return
	}
	_ = each(left, func(m *machine) error {
		m.unreached = r.reach(ctx, m)
		return nil
	})
	registered := r.registered(ctx)
	r.gone = slices.DeleteFunc(r.gone, func(m *machine) bool {
		switch {
		case m.left == "" || m.unreached == nil:
			return false
		case m.left == r.certs.ClusterID() && registered[m.node.Name] && !r.declares(m.node.Name):
			m.left = ""
			return false
		case r.forgets(m.node.Name):
			r.Sink.Emit(event.Event{Kind: event.Warning, Node: m.node.Name, Message: forgotten})
			return true
		}
		p.Warnings = append(p.Warnings, m.node.Name+": "+r.unclean(m))
		return false
	})
}

// forgotten is what there is to say of a machine that is given up.
const forgotten = "forgotten as it is: should it ever start again, it still has its kubelet and its certificate, and joins the cluster; keep it off the network, or install it anew"

// unclean tells of a machine that is out of the cluster and does not answer, and what to do.
func (r *Run) unclean(m *machine) string {
	return fmt.Sprintf("it is out of the cluster, but its machine does not answer and could not be cleaned: bring it back and apply again, or give it up with slipway apply -f %s --forget %s (%v)",
		r.Cluster.File, m.node.Name, m.unreached)
}

// registered are the names of the nodes in the API; none where no API server answers.
func (r *Run) registered(ctx context.Context) map[string]bool {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return nil // then nothing is removed either, and applying again comes back here
	}
	names, err := client.NodeNames(ctx)
	if err != nil {
		return nil
	}
	return names
}

// cameBack reports whether the machine of n, which left the cluster, is declared again.
func (r *Run) cameBack(n statedir.Left) bool {
	for _, m := range r.machines {
		same := m.facts.Cluster == n.Cluster && m.facts.Node == n.Name
		if m.node.Address == n.Address || m.node.Name == n.Name && same {
			return true
		}
	}
	return false
}

func (r *Run) declares(name string) bool {
	return slices.ContainsFunc(r.Cluster.Nodes, func(n spec.Node) bool { return n.Name == name })
}

func (r *Run) forgets(name string) bool { return slices.Contains(r.Forget, name) }

// checkForget refuses to forget what is declared, or what is not remembered: a name is easily mistyped.
func (r *Run) checkForget(nodes []spec.Node, left []statedir.Left) error {
	for _, name := range r.Forget {
		known := slices.ContainsFunc(nodes, func(n spec.Node) bool { return n.Name == name }) ||
			slices.ContainsFunc(left, func(n statedir.Left) bool { return n.Name == name })
		if r.declares(name) {
			return &ForgetError{name, "it is in the file: take its block out first"}
		}
		if !known {
			return &ForgetError{name, "no machine of that name was applied, or it is forgotten or cleaned already"}
		}
	}
	return nil
}
