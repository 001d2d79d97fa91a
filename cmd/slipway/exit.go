package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/ui"
)

// report shows on stderr why the command failed, in the format that -o asks for; a format that is
// itself the mistake is told of in text.
func report(root *cobra.Command, err error) {
	format := ui.Text
	if name, flagErr := root.PersistentFlags().GetString("output"); flagErr == nil && name == string(ui.JSON) {
		format = ui.JSON
	}
	ui.New(os.Stdout, os.Stderr, format).Error(err)
}
