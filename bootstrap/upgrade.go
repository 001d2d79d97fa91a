package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/agent"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/spec"
)

// meet finds out from the API how the cluster stands. Where no API server is ready, as in the midst of the change of the only one, what
// this machine remembers has to do, and meet tells so.
func (r *Run) meet(ctx context.Context) (heard bool, err error) {
	if r.certs, err = r.stored(); err != nil {
		return false, fmt.Errorf("read the cluster's certificates: %w", err)
	}
	if err := r.guardRestored(); err != nil {
		return false, err
	}
	var reasons []error
	for _, n := range r.hereFirst(r.Cluster.ControlPlanes()) {
		client, err := r.readyAt(ctx, n.Address)
		if err != nil {
			reasons = append(reasons, &NodeError{n.Name, err})
			continue
		}
		if err := r.stands(ctx, client.Typed); err != nil {
			return false, err
		}
		return true, r.enlist()
	}
	j, err := r.journal()
	if err != nil {
		return false, err
	}
	if !j.under() {
		return false, fmt.Errorf("a change of version needs a cluster that serves: no API server is ready: %w", errors.Join(reasons...))
	}
	return false, r.enlist()
}

// enlist makes r's machines the control planes, this one first. To the others there is no way but what they offer to the network.
func (r *Run) enlist() error {
	r.machines = nil
	for _, n := range r.hereFirst(r.Cluster.ControlPlanes()) {
		h := host.NewLocal()
		m := &machine{node: n, host: h}
		if n.Name == r.Here {
			m.agent = agent.New(h, r.binary)
		}
		r.machines = append(r.machines, m)
	}
	if len(r.machines) == 0 || r.machines[0].agent == nil {
		return unfit(r.Here, "the cluster's declaration does not know this machine among its control planes", "slipway reset, then join it again")
	}
	return nil
}

func (r *Run) hereFirst(nodes []spec.Node) []spec.Node {
	out := slices.Clone(nodes)
	slices.SortStableFunc(out, func(a, b spec.Node) int {
		switch r.Here {
		case b.Name:
			return 1
		case a.Name:
			return -1
		}
		return 0
	})
	return out
}

// journal is what this machine remembers of the last change of version; empty where it knows of none.
func (r *Run) journal() (j rollout, err error) {
	if r.dir == nil {
		return j, nil
	}
	_, err = r.dir.Get(rolloutFile, &j)
	return j, err
}

// aim makes the change that stands half way this run's, or that to another version. With "", and no change under way, there is none.
func (r *Run) aim(to string) error {
	j, err := r.journal()
	if err != nil {
		return err
	}
	from := r.Cluster.Kubernetes
	switch c := r.change; {
	case c != nil && to != "" && to != c.To:
		return &UpgradeError{c.String(), "finish it first: slipway upgrade plan shows what is left of it"}
	case c != nil:
		r.rollout = &rollout{From: c.From, To: c.To, Begun: c.Begun, Snapshot: c.Snapshot}
		if j.From == c.From && j.To == c.To && j.Begun.Equal(c.Begun) {
			r.rollout.Forms = j.Forms
		}
	case j.under() && !r.opened && (to == "" || to == j.To):
		r.rollout = &j
	case j.under() && !r.opened && from != j.From:
		return &UpgradeError{fmt.Sprintf("a change from %s to %s stands half way", j.From, j.To), "finish it first: slipway upgrade apply " + j.To}
	case to == "" || to == from:
		return nil
	default:
		if err := hopByHand(from, to); err != nil {
			return err
		}
		r.rollout = &rollout{From: from, To: to}
	}
	c := *r.Cluster
	c.Kubernetes = r.rollout.To
	r.Cluster = &c
	if r.rollout.under() { // what it lacks may be what this run is to mend
		return nil
	}
	return r.guardDeclared()
}

// examine looks at this machine, judges it, and works out what is to change on it.
func (r *Run) examine(ctx context.Context) (warnings []string, err error) {
	all := r.machines
	r.machines = all[:1] // of the others nothing can be seen from here
	defer func() { r.machines = all }()
	if err := r.eachStage("facts", r.machines, func(m *machine, _ event.Sink) error { return r.look(ctx, m) }); err != nil {
		return nil, err
	}
	m := r.machines[0]
	if m.facts.Cluster != r.certs.ClusterID() {
		return nil, unfit(m.node.Name, "this machine is no longer what it was made: its inventory does not know the cluster", "slipway reset, then join it again")
	}
	var p plan.Plan
	if err := r.preflight(&p); err != nil {
		return nil, err
	}
	if m.node.Role == spec.ControlPlane {
		if err := r.recallEntry(ctx, m); err != nil {
			return nil, err
		}
		if err := r.ensureOwnLeaves(m.node); err != nil {
			return nil, err
		}
	}
	err = r.eachStage("diff", r.machines, func(m *machine, _ event.Sink) error {
		if err := r.compareOwn(ctx, m); err != nil {
			return err
		}
		spare(m)
		return nil
	})
	return p.Warnings, err
}

// spare keeps images that m has no use for any more: until the whole cluster is changed, its pods run from them, and would not come back
// on m after a reboot.
func spare(m *machine) {
	m.changes = slices.DeleteFunc(m.changes, func(c node.Change) bool {
		old := c.Action == node.Delete && strings.HasPrefix(c.ID, "image ")
		if old {
			m.state.Spared = append(m.state.Spared, c.ID)
		}
		return old
	})
}

// recallEntry keeps how m's etcd member entered as its manifest has it: control planes that came later are no reason to restart it.
func (r *Run) recallEntry(ctx context.Context, m *machine) error {
	was, there, err := r.entered(ctx, m)
	if err != nil {
		return err
	}
	if r.members = nil; there && was != r.input().Membership(m.node) {
		r.members = map[string]components.Membership{m.node.Name: was}
	}
	return nil
}
