package main

import "github.com/spf13/cobra"

func newEtcd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcd",
		Short: "Care for the cluster's etcd: back it up, prove backups",
		Long: `Etcd holds all that the cluster's API knows. These verbs care for it.

On a control plane that was begun with slipway init, or joined by hand, those that ask the cluster need no file. Elsewhere -f names it.`,
	}
	cmd.AddCommand(newEtcdBackup(), newEtcdVerify())
	return cmd
}
