package bootstrap

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
)

// A cluster that is made by hand is recovered on the machine that is left. It cannot ask the others, nor stop them: whether they are
// dead or this machine is cut off from them is for people to say, as far as it cannot be seen.

// reachHere looks at this machine, and takes the other control planes from what its member knows, or from the recovery that stands
// half way: what this machine keeps of the cluster may be older.
func (r *Run) reachHere(ctx context.Context, kept *Recovery) error {
	return r.stage("connect", func(event.Sink) error {
		i := slices.IndexFunc(r.Cluster.Nodes, func(n spec.Node) bool { return n.Name == r.Here })
		if i < 0 {
			return fmt.Errorf("%s does not know %s", r.Cluster.File, r.Here)
		}
		self := &machine{node: r.Cluster.Nodes[i]}
		r.machines = []*machine{self}
		if err := r.reach(ctx, self); err != nil {
			return err
		}
		if err := r.look(ctx, self); err != nil {
			return err
		}
		others, err := r.othersHere(ctx, self, kept)
		for _, n := range others {
			if n.Address != self.node.Address {
				r.membership.gone = append(r.membership.gone, &machine{node: n})
			}
		}
		return err
	})
}

// othersHere are the nodes of the recovery that stands half way, or of all members as this machine's knows them.
func (r *Run) othersHere(ctx context.Context, self *machine, kept *Recovery) (out []spec.Node, err error) {
	if len(kept.Others) == 0 {
		members, _, err := r.knownTo(ctx, self)
		if err != nil {
			return nil, &RecoveryError{"this machine's member of etcd does not answer: " + err.Error(), "start it: systemctl start containerd kubelet", false}
		}
		return memberNodes(members)
	}
	for _, o := range kept.Others {
		address, err := netip.ParseAddr(o.Address)
		if err != nil {
			return nil, err
		}
		out = append(out, spec.Node{Name: o.Name, Role: spec.ControlPlane, Address: address})
	}
	return out, nil
}

// guardHere refuses to recover here while one of the others takes connections, or is not said to be dead.
func (r *Run) guardHere(ctx context.Context, p *Recovery, gone []string) error {
	if r.Here == "" {
		if len(gone) > 0 {
			return &RecoveryError{"--gone is for a cluster that is made by hand, on one of its machines", "leave it out: the machines are asked themselves", p.GoesOn}
		}
		return nil
	}
	var unsaid []string
	for _, m := range r.membership.gone {
		if port := r.lives(ctx, m, slices.Contains(gone, m.node.Name)); port != 0 {
			return &RecoveryError{fmt.Sprintf("%s takes connections at %s, port %d", m.node.Name, m.node.Address, port),
				"if it can be mended, mend it: nothing else is needed. If not, switch it off, or slipway reset on it, or it would be a second cluster", p.GoesOn}
		}
		if !slices.Contains(gone, m.node.Name) {
			unsaid = append(unsaid, m.node.Name)
		}
	}
	for _, name := range gone {
		if !slices.ContainsFunc(r.membership.gone, func(m *machine) bool { return m.node.Name == name }) {
			return &RecoveryError{"--gone names " + name + ", which is no other member of etcd", "expected of " + list(named(r.membership.gone)), p.GoesOn}
		}
	}
	if len(unsaid) > 0 {
		return &RecoveryError{fmt.Sprintf("whether %s are dead or this machine is cut off from them cannot be told from here", list(unsaid)),
			"where they go on without this machine, they are the cluster. See to it that they are off for good, and say so with --gone, for each", p.GoesOn}
	}
	return nil
}

// recoverCommand is what finishes a recovery.
func (r *Run) recoverCommand() string {
	if r.Here != "" {
		return "slipway etcd recover"
	}
	return "slipway etcd recover -f " + r.Cluster.File
}
