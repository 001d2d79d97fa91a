package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
)

func newStatus() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show nodes, components, etcd, certificates and problems at a glance",
		Long: `Status looks at every machine and at the cluster's API and shows what it finds, with what to do about
each problem. It changes nothing. Exit code 0 when healthy, 1 when degraded or absent, 5 when etcd has
lost its quorum.

On a control plane that was begun or joined by hand it needs no file. It looks at that machine then, and at what the
others offer to the network.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			var s *status.Status
			c, here, err := flags.which(cmd)
			if err != nil {
				return err
			}
			_, err = followOn(o, c, flags.timeout, "status", true, viewHere(here), func(r *bootstrap.Run) (err error) {
				s, err = r.Status(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if err := o.Status(s); err != nil {
				return err
			}
			switch s.Health {
			case status.Healthy:
				return nil
			case status.Down:
				return &exitError{code: exitQuorum}
			}
			return &exitError{code: exitFailed}
		},
	}
	flags.add(cmd)
	return cmd
}
