//go:build linux

package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/node"
)

func newNodeStore() *cobra.Command {
	return &cobra.Command{
		Use: "store", Short: "Keep blobs from a tar stream on standard input", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return node.Machine{}.Blobs().Receive(cmd.InOrStdin())
		},
	}
}

func newNodeMissing() *cobra.Command {
	return nodeVerb("missing", "Print which blobs of a list are not kept", "a list of digests", func(cmd *cobra.Command, digests []string) error {
		missing, err := node.Machine{}.Blobs().Missing(digests)
		if err != nil {
			return err
		}
		if missing == nil {
			missing = []string{} // an empty list, not null
		}
		return printJSON(cmd.OutOrStdout(), missing)
	})
}
