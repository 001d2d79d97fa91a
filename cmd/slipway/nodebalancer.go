//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// lastWord is where a container leaves what its pod's status shows of it.
const lastWord = "/dev/termination-log"

// newNodeBalancer runs in a pod that another machine started, while that one joins or leaves as a control plane.
func newNodeBalancer() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:   "balancer NODE",
		Short: "Let the machine's balancer know the control planes of the declaration in " + bootstrap.DeclarationVariable,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			said, err := os.OpenFile(lastWord, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			defer said.Close()
			marks, err := balancer(cmd.Context(), root, args[0])
			if err != nil {
				fmt.Fprint(said, err)
				return err
			}
			return json.NewEncoder(said).Encode(marks)
		},
	}
	cmd.Flags().StringVar(&root, "root", "/", "where the machine's root is")
	return cmd
}

func balancer(ctx context.Context, root, name string) (map[string]string, error) {
	if err := syscall.Chroot(root); err != nil {
		return nil, fmt.Errorf("chroot %s: %w", root, err)
	}
	if err := os.Chdir("/"); err != nil {
		return nil, err
	}
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
	if err := m.Converge(ctx, state); err != nil {
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
