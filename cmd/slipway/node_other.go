//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newNode() *cobra.Command {
	return &cobra.Command{
		Use:    "node",
		Short:  "The machine's side (on Linux only)",
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("the machine's side runs on the machines, which are Linux ones")
		},
	}
}
