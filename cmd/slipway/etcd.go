package main

import "github.com/spf13/cobra"

// newEtcd gathers the verbs that look at and care for etcd.
func newEtcd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "etcd",
		Short: "Look at and care for etcd",
		Long:  "The verbs of etcd, which holds all that the cluster knows.",
	}
	for _, verb := range []func() *cobra.Command{
		// one line per verb, in the order of help
		newEtcdRecover,
	} {
		cmd.AddCommand(verb())
	}
	return cmd
}
