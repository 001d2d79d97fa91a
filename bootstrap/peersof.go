package bootstrap

import (
	"context"
	"strings"

	"github.com/slipway/slipway/internal/spec"
)

// peersOf are the members that m's own knows of, by what it says or by what it was started with.
func (r *Run) peersOf(ctx context.Context, m *machine) (out []spec.Node, err error) {
	was, there, err := r.entered(ctx, m)
	if err != nil {
		return nil, &NodeError{m.node.Name, err}
	}
	client, err := r.memberOf(m)
	if err != nil {
		return nil, err
	}
	members, err := client.KnownMembers(ctx)
	if err == nil {
		there = false // it knows better
	}
	for _, member := range members {
		if n, ok := memberNode(member.Name, member.Peer); ok {
			out = append(out, n)
		}
	}
	if there && was.Token == "" {
		for _, one := range strings.Split(was.Initial, ",") {
			name, peer, _ := strings.Cut(one, "=")
			if n, ok := memberNode(name, peer); ok {
				out = append(out, n)
			}
		}
	}
	return out, client.Close()
}
