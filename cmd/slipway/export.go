package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/spec"
)

func newExport() *cobra.Command {
	var flags clusterFlags
	var user, key, knownHosts string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the cluster's file as the cluster stands",
		Long: `Export writes to standard output the file that slipway apply needs to look after a cluster that was begun with
slipway init: its settings, and every node that is in it now, also those that joined. It says nothing secret.

Take the file to the machine from which you apply, complete the ssh block, and let slipway plan show what
apply would change: nodes that joined by themselves get certificates from the cluster's state directory, which
the first plan fetches from a control plane.`,
		Example: `  slipway export > cluster.hcl
  slipway export --ssh-user debian --private-key ~/.ssh/id_ed25519 --known-hosts known_hosts > cluster.hcl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onCluster(cmd, &flags, func(r *bootstrap.Run) error {
				text, err := r.Export(cmd.Context())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s", text, spec.WriteSSH(user, key, knownHosts))
				return err
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&user, "ssh-user", "root", "the user that machines are reached as")
	cmd.Flags().StringVar(&key, "private-key", "", "the key that machines are reached with, as the file will name it; the agent's where none is named")
	cmd.Flags().StringVar(&knownHosts, "known-hosts", "", "the file of host keys, as the file will name it")
	return cmd
}
