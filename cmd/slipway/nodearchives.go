//go:build linux

package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/store"
)

func newNodeArchives() *cobra.Command {
	return nodeVerb("archives", "List the archives in a folder of this machine", "a folder", func(cmd *cobra.Command, folder string) error {
		found, err := backup.Catalogue(cmd.Context(), store.Dir(folder), true)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), found)
	})
}
