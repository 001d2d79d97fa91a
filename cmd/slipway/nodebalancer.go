//go:build linux

package main

import (
	"context"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// newNodeBalancer runs while the machine that started it joins or leaves as a control plane.
func newNodeBalancer() *cobra.Command {
	return podVerb("balancer NODE", "Let the machine's balancer know the control planes of the declaration in "+bootstrap.DeclarationVariable, 1,
		func(ctx context.Context, args []string) (any, error) { return balancer(ctx, args[0]) })
}

// newNodeSettled is settle for machines to which there is no way but a pod.
func newNodeSettled() *cobra.Command {
	return podVerb("settled", "Delete the images that the machine's last state has spared", 0, func(ctx context.Context, _ []string) (any, error) {
		return struct{}{}, machine().Settle(ctx)
	})
}

func balancer(ctx context.Context, name string) (map[string]string, error) {
	declaration := []byte(os.Getenv(bootstrap.DeclarationVariable))
	m := node.Machine{Sink: event.NewEncoder(os.Stdout)}
	seen, err := balancerSeen(ctx, m)
	if err != nil {
		return nil, err
	}
	state, marks, err := bootstrap.Balancer(declaration, name, seen)
	if err != nil {
		return nil, err
	}
	if err := m.Adjust(ctx, state); err != nil {
		return nil, err
	}
	return marks, bootstrap.KeepGrown(declaration, name)
}

func balancerSeen(ctx context.Context, m node.Machine) (seen bootstrap.BalancerSeen, err error) {
	ca, manifest := bootstrap.BalancerPaths()
	if seen.CA, err = os.ReadFile(ca); err != nil {
		return seen, err
	}
	if seen.Manifest, err = os.ReadFile(manifest); err != nil {
		return seen, err
	}
	if seen.Images, err = m.Images(ctx); err != nil {
		return seen, err
	}
	links, err := net.Interfaces()
	if err != nil {
		return seen, err
	}
	seen.Addresses = map[string]string{}
	for _, link := range links {
		addresses, err := link.Addrs()
		if err != nil {
			return seen, err
		}
		for _, a := range addresses {
			if at, ok := a.(*net.IPNet); ok {
				seen.Addresses[at.IP.String()] = link.Name
			}
		}
	}
	return seen, nil
}
