//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/node"
)

func newNodeHalt() *cobra.Command {
	return nodeVerb("halt", "Stop static pods, and leave them stopped", "what to stop", func(cmd *cobra.Command, h node.Halt) error {
		return told(machine().Halt(cmd.Context(), h))
	})
}

func newNodeSeeded() *cobra.Command {
	return nodeVerb("seeded", "Print which data etcd has", "nothing", func(cmd *cobra.Command, _ struct{}) error {
		seeded, err := node.Machine{}.Seeded()
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), seeded)
	})
}

// newNodeSeed reads what to do and, right behind it, the snapshot.
func newNodeSeed() *cobra.Command {
	return &cobra.Command{
		Use: "seed", Short: "Make etcd's data out of a snapshot", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s node.Seed
			decoder := json.NewDecoder(cmd.InOrStdin())
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&s); err != nil {
				return &exitError{exitSpec, fmt.Errorf("read what to restore from standard input: %w", err)}
			}
			return told(machine().Seed(cmd.Context(), s, io.MultiReader(decoder.Buffered(), cmd.InOrStdin())))
		},
	}
}
