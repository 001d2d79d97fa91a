package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
)

func newExport() *cobra.Command {
	var flags clusterFlags
	var user, key, knownHosts, kubeconfig string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the cluster's file as the cluster stands",
		Long: `Export writes to standard output the file that slipway apply needs to look after a cluster that was begun with
slipway init, or that kubeadm made: its settings, and every node that is in it now, also those that joined. It says nothing
secret and changes nothing.

Take the file to the machine from which you apply, complete the ssh block, and let slipway plan show what
apply would change. Of a cluster begun with init, nodes that joined by themselves get certificates from the cluster's state
directory, which the first plan fetches from a control plane.

A cluster of kubeadm's is read through its API: with --kubeconfig from anywhere, or on a control plane as root with nothing
said. What Slipway would do otherwise stands in the file as comments; what it cannot follow, such as another pod network, an
external etcd or a feature gate, is refused, all of it at once. Nothing is taken over before slipway apply --take-over.`,
		Example: `  slipway export > cluster.hcl
  slipway export --ssh-user debian --private-key ~/.ssh/id_ed25519 --known-hosts known_hosts > cluster.hcl
  slipway export --kubeconfig admin.conf --ssh-user debian > cluster.hcl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write := func(text []byte) error {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s", text, spec.WriteSSH(user, key, knownHosts))
				return err
			}
			if kubeconfig == "" && !cmd.Flags().Changed("file") && onKubeadm() {
				kubeconfig = layout.AdminConf
			}
			if kubeconfig != "" {
				text, err := bootstrap.ExportKubeadm(cmd.Context(), kubeconfig)
				if err != nil {
					return coded(err)
				}
				return write(text)
			}
			return onCluster(cmd, &flags, func(r *bootstrap.Run) error {
				text, err := r.Export(cmd.Context())
				if err != nil {
					return err
				}
				return write(text)
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&user, "ssh-user", "root", "the user that machines are reached as")
	cmd.Flags().StringVar(&key, "private-key", "", "the key that machines are reached with, as the file will name it; the agent's where none is named")
	cmd.Flags().StringVar(&knownHosts, "known-hosts", "", "the file of host keys, as the file will name it")
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "the administrator's kubeconfig of a cluster that kubeadm made")
	cmd.MarkFlagsMutuallyExclusive("kubeconfig", "file")
	return cmd
}

// onKubeadm reports whether this machine is a control plane that Slipway did not make.
func onKubeadm() bool {
	if _, _, err := bootstrap.Own(); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if _, err := os.Stat("cluster.hcl"); err == nil {
		return false
	}
	_, err := os.Stat(layout.AdminConf)
	return err == nil
}
