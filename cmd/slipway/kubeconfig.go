package main

import (
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
)

func newKubeconfig() *cobra.Command {
	var flags clusterFlags
	var out string
	cmd := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the administrator's kubeconfig",
		Long: `Kubeconfig prints the way in for kubectl, from the state directory: no machine is asked. On a control plane that was
begun or joined by hand it needs no file.`,
		Example: "  slipway kubeconfig -f cluster.hcl --out ~/.kube/prod",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onCluster(cmd, &flags, func(r *bootstrap.Run) error {
				text, err := r.Kubeconfig()
				if err != nil {
					return err
				}
				if out != "" {
					return renameio.WriteFile(out, text, 0o600)
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write to a file of mode 0600 instead")
	return cmd
}
