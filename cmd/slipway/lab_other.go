//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newLab() *cobra.Command {
	return &cobra.Command{
		Use:   "lab",
		Short: "Machines to try things on (on Linux only)",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("the lab needs Linux: its machines are systemd-nspawn containers; use the Vagrantfile here")
		},
	}
}
