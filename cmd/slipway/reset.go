package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/ui"
)

func newReset() *cobra.Command {
	var how bootstrap.Resetting
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Take this machine out of its cluster, leaving it as found",
		Long: `Reset takes this machine out of its cluster, as root, on the machine itself: its etcd member leaves, its Node
is deleted, and everything that Slipway put here is taken off again. Pods that run here end; drain the node first
where that matters: kubectl drain NAME --ignore-daemonsets.

etcd's data is moved to /var/lib/slipway-removed, since it cannot be made again; --purge deletes it. If
the cluster does not answer nothing is changed, unless --force is given. Kernel modules stay loaded until the next boot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			if err := needRoot("reset"); err != nil {
				return err
			}
			name, err := os.Hostname()
			if err != nil {
				return err
			}
			if !yes {
				if err := agreed(cmd, name, "Take this machine, %s, out of its cluster? Type its name to go on: ", name); err != nil {
					return err
				}
			}
			feed := o.Follow(ui.Course{Title: "reset " + name})
			err = coded((&bootstrap.Run{Sink: feed}).Reset(cmd.Context(), how))
			feed.Close()
			if err != nil {
				return err
			}
			o.Note("This machine is as it was found.")
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&yes, "yes", false, "do not ask")
	flags.BoolVar(&how.Purge, "purge", false, "delete etcd's data instead of moving it aside")
	flags.BoolVar(&how.Force, "force", false, "take the machine apart even if the cluster cannot be told")
	return cmd
}
