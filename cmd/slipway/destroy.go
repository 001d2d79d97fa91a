package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
)

func newDestroy() *cobra.Command {
	var flags clusterFlags
	var yes, purge bool
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Take the cluster off the machines, leaving them as found",
		Long: `Destroy stops everything, removes every file, unit, mount, interface and rule that Slipway made, and puts
back what it had replaced. etcd's data is moved to /var/lib/slipway-removed on its machine, and the
state directory beside its place, since neither can be made again; --purge deletes the data on the machines.
Kernel modules stay loaded until the next boot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			c, err := flags.load()
			if err != nil {
				return err
			}
			if !yes {
				fmt.Fprintf(cmd.ErrOrStderr(), "Destroy cluster %q on %d machines? Type its name to go on: ", c.Name, len(c.Nodes))
				answer, _ := bufio.NewReader(cmd.InOrStdin()).ReadString('\n') // no answer is no
				if strings.TrimSpace(answer) != c.Name {
					return &exitError{exitSpec, fmt.Errorf("nothing was changed: the answer was not %q (--yes goes on without asking)", c.Name)}
				}
			}
			var moved string
			feed, err := follow(o, &flags, "destroy", false, bootstrap.Open, func(r *bootstrap.Run) (err error) {
				moved, err = r.Destroy(cmd.Context(), purge)
				return err
			})
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			o.Note("The cluster is gone. Its certificates and keys were moved to %s.", moved)
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&purge, "purge", false, "delete etcd's data on the machines instead of moving it aside")
	return cmd
}
