package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
)

func newDestroy() *cobra.Command {
	var flags clusterFlags
	var yes bool
	var how bootstrap.Destruction
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Take the cluster off the machines, leaving them as found",
		Long: `Destroy stops everything, removes every file, unit, mount, interface and rule that Slipway made, and puts
back what it had replaced. etcd's data is moved to /var/lib/slipway-removed on its machine, and the
state directory beside its place, since neither can be made again; --purge deletes the data on the machines.
Kernel modules stay loaded until the next boot.

All machines must answer, or nothing is done. With --skip-unreachable those that do not are left as they are and named,
with exit code 4 at the end; they are remembered, and destroying again when they answer takes the cluster off them,
too. One that starts meanwhile runs what it ran, with the old certificates: keep it off the network.`,
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
				if err := agreed(cmd, c.Name, "Destroy cluster %q on %d machines? Type its name to go on: ", c.Name, len(c.Nodes)); err != nil {
					return err
				}
			}
			var moved string
			feed, err := follow(o, &flags, "destroy", false, bootstrap.Open, func(r *bootstrap.Run) (err error) {
				moved, err = r.Destroy(cmd.Context(), how)
				return err
			})
			if moved == "" {
				return err
			}
			o.Times(feed.Times())
			o.Note("The cluster is gone. Its certificates and keys were moved to %s.", moved)
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&how.Purge, "purge", false, "delete etcd's data on the machines instead of moving it aside")
	cmd.Flags().BoolVar(&how.SkipUnreachable, "skip-unreachable", false, "leave machines that do not answer as they are, and do the others")
	return cmd
}
