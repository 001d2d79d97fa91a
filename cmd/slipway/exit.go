package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slipway/slipway/internal/ui"
)

// report shows on stderr why the command failed, in the format that -o asks for; a format that is
// itself the mistake is told of in text.
func report(root *cobra.Command, begun bool, err error) {
	name, flagErr := root.PersistentFlags().GetString("output")
	if !begun {
		name, flagErr = askedFormat(os.Args[1:]), nil
	}
	format := ui.Text
	if flagErr == nil && name == string(ui.JSON) {
		format = ui.JSON
	}
	ui.New(os.Stdout, os.Stderr, format).Error(err)
}

// askedFormat looks for -o among arguments that could not be read to their end.
func askedFormat(args []string) string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.SetOutput(io.Discard)
	name := flags.StringP("output", "o", "", "")
	_ = flags.Parse(args) // what is wrong with them is being reported
	return *name
}
