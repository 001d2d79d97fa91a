//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// newNode is the machine's side of a converge: what the operator's slipway runs on each machine,
// as root, with JSON on standard input.
func newNode() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "node",
		Short:  "The machine's side: run by slipway on every machine",
		Hidden: true,
		Args:   cobra.NoArgs,
	}
	cmd.AddCommand(
		newNodeFacts(), newNodeDiff(), newNodeObserve(), newNodeConverge(), newNodeAwait(), newNodeYield(),
		newNodeRestore(), newNodeHalt(), newNodeSeeded(), newNodeSeed(), newNodeSettle(), newNodeSettled(),
		newNodeStore(), newNodeMissing(), newNodeClean(), newNodeNetwork(), newNodeBalancer(),
		newNodeBackup(), newNodeVerify(), newNodeArchives(),
		newNodeKill(), newNodeSever(), newNodeDisk(), newNodeFill(), newNodeMend(),
	)
	return cmd
}

// machine emits events as lines of JSON on standard output.
func machine() node.Machine { return node.Machine{Sink: event.NewEncoder(os.Stdout)} }

// nodeVerb is a verb that reads one JSON value, which it calls what in errors.
func nodeVerb[In any](use, short, what string, run func(*cobra.Command, In) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var in In
			decoder := json.NewDecoder(cmd.InOrStdin())
			// An unknown field is an older slipway on the machine than with the operator.
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&in); err != nil {
				return &exitError{exitSpec, fmt.Errorf("read %s from standard input: %w", what, err)}
			}
			return run(cmd, in)
		},
	}
}

func printJSON(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

func newNodeFacts() *cobra.Command {
	return nodeVerb("facts", "Print what the machine is", "an ask", func(cmd *cobra.Command, ask node.Ask) error {
		facts, err := node.Machine{}.Facts(cmd.Context(), ask)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), facts)
	})
}

func newNodeDiff() *cobra.Command {
	return nodeVerb("diff", "Print what converge would change", "a state", func(cmd *cobra.Command, s node.State) error {
		changes, err := node.Machine{}.Diff(cmd.Context(), s)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), changes)
	})
}

func newNodeObserve() *cobra.Command {
	return nodeVerb("observe", "Print what the machine is and what converge would change", "a look", func(cmd *cobra.Command, l node.Look) error {
		seen, err := node.Machine{}.Observe(cmd.Context(), l)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), seen)
	})
}

func newNodeConverge() *cobra.Command {
	return nodeVerb("converge", "Make the machine what the state says", "a state", func(cmd *cobra.Command, s node.State) error {
		return told(machine().Converge(cmd.Context(), s))
	})
}

func newNodeAwait() *cobra.Command {
	return nodeVerb("await", "Wait until the machine's static pods run", "what to await", func(cmd *cobra.Command, a node.Await) error {
		found, err := node.Machine{}.Await(cmd.Context(), a)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), found)
	})
}

func newNodeYield() *cobra.Command {
	return nodeVerb("yield", "Let another machine have the shared address", "an address", func(cmd *cobra.Command, y node.Yield) error {
		return node.Machine{}.Yield(cmd.Context(), y)
	})
}

func newNodeRestore() *cobra.Command {
	return &cobra.Command{
		Use: "restore", Short: "Make the machine what it last was as a whole", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return told(machine().Restore(cmd.Context())) },
	}
}

func newNodeSettle() *cobra.Command {
	return &cobra.Command{
		Use: "settle", Short: "Delete the images that the machine's last state has spared", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return told(machine().Settle(cmd.Context())) },
	}
}

func newNodeClean() *cobra.Command {
	return nodeVerb("clean", "Take the cluster off the machine", "cleaning", func(cmd *cobra.Command, c node.Cleaning) error {
		return told(machine().Clean(cmd.Context(), c))
	})
}

func newNodeNetwork() *cobra.Command {
	return nodeVerb("network", "Use Slipway's pod network where another's comes first", "nothing", func(cmd *cobra.Command, _ struct{}) error {
		return told(machine().AdoptNetwork(cmd.Context()))
	})
}

// told makes an error the last event, and the verdict the exit status.
func told(err error) error {
	if err != nil {
		machine().Sink.Emit(event.Event{Kind: event.Failed, Message: err.Error()})
	}
	return err
}
