package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// leaveQuorum takes a control plane out of its cluster, in its turn: its Node is deleted, its etcd member leaves, and
// the declaration names it no more. All of that is said to another control plane, since this one's own stops
// meanwhile. Of the last control plane nothing is left that could be told.
func (r *Run) leaveQuorum(ctx context.Context, m *machine, sink event.Sink) error {
	if !m.node.Address.IsValid() {
		address, err := memberAddress(r.certs, m.node.Name)
		if err != nil {
			return err
		}
		m.node.Address = address
	}
	var voters []etcd.Member // the others
	err := tell(ctx, sink, check.Condition{Name: "the others are found", Node: m.node.Name, Test: func(ctx context.Context) error {
		client, members, err := r.quorum(ctx, m.node)
		if err != nil {
			return err
		}
		voters = slices.DeleteFunc(members, func(o etcd.Member) bool { return o.Learner || o.Peer == components.PeerURL(m.node) })
		return client.Close()
	}})
	if err != nil || len(voters) == 0 {
		return err
	}
	err = tell(ctx, sink, check.Condition{Name: "another control plane answers", Node: m.node.Name, Test: func(ctx context.Context) error {
		beside, err := memberNodes(voters)
		if err != nil {
			return err
		}
		r.left, err = r.peerAPI(ctx, beside)
		return err
	}})
	if err != nil {
		return err
	}
	return r.inTurn(ctx, r.left, m.node.Name, func(ctx context.Context) error {
		return tell(ctx, sink, check.Condition{Name: "node and etcd member have left", Node: m.node.Name, Test: func(ctx context.Context) error {
			return r.leaveInTurn(ctx, m, voters)
		}})
	})
}

func (r *Run) leaveInTurn(ctx context.Context, m *machine, voters []etcd.Member) error {
	if err := r.left.DeleteNode(ctx, m.node.Name); err != nil {
		return err
	}
	var reasons []error
	for _, v := range voters {
		client, err := r.memberAt(m.node.Name, v.Client)
		if err != nil {
			return err
		}
		if err = errors.Join(removeMember(ctx, client, components.PeerURL(m.node)), client.Close()); err == nil {
			return r.undeclare(ctx, m.node.Name)
		}
		reasons = append(reasons, err)
	}
	return errors.Join(reasons...)
}

func removeMember(ctx context.Context, client *etcd.Client, peer string) error {
	members, err := client.Members(ctx)
	if err != nil {
		return err
	}
	for _, other := range members {
		if other.Peer == peer {
			return client.Remove(ctx, other.ID)
		}
	}
	return nil
}

// undeclare takes the node out of the declaration, if the cluster was ever opened for joining.
func (r *Run) undeclare(ctx context.Context, name string) error {
	there, _, err := r.current(ctx, r.left)
	if err != nil || !there {
		return err
	}
	return redeclare(ctx, r.left.Typed, func(c *spec.Cluster) error {
		c.Nodes = slices.DeleteFunc(c.Nodes, func(n spec.Node) bool { return n.Name == name })
		return nil
	})
}

// forget lets the balancers of the others forget this machine, which is clean by now: as long as its keepalived ran they
// had to know it. If they cannot be told, they keep asking a machine that does not answer, until the next joins or leaves.
func (r *Run) forget(ctx context.Context, m *machine) {
	err := r.stage("balancers", func(sink event.Sink) error {
		return r.inTurn(ctx, r.left, m.node.Name, func(ctx context.Context) error {
			if there, _, err := r.current(ctx, r.left); err != nil || !there {
				return err
			}
			return r.spreadBalancers(ctx, r.left, m.node.Name, m.agent.Path(), sink)
		})
	})
	if err != nil {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: "balancers still count this machine among the control planes, which does no harm: " + err.Error()})
	}
}

// memberNodes are the members' nodes, as far as members know them.
func memberNodes(members []etcd.Member) (out []spec.Node, err error) {
	for _, v := range members {
		address, err := peerAddress(v.Peer)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", v.Name, err)
		}
		out = append(out, spec.Node{Name: v.Name, Role: spec.ControlPlane, Address: address})
	}
	return out, nil
}

// peerAddress is where the machine of an etcd member is, by its peer URL.
func peerAddress(peer string) (netip.Addr, error) {
	u, err := url.Parse(peer)
	if err != nil {
		return netip.Addr{}, err
	}
	at, err := netip.ParseAddrPort(u.Host)
	return at.Addr(), err
}

// memberAddress is the address in the member's own certificate.
func memberAddress(certs *pki.Set, name string) (netip.Addr, error) {
	address, err := certs.Node(name)[pki.EtcdPeer].Address()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find out this machine's address among the nodes: %w", err)
	}
	return address, nil
}
