//go:build linux

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/node"
)

func newNodeKill() *cobra.Command {
	return nodeVerb("kill", "End programs of pods at once, for a drill", "what to kill", func(cmd *cobra.Command, k node.Kill) error {
		killed, err := node.Machine{}.Kill(k)
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), killed)
	})
}

func newNodeSever() *cobra.Command {
	return nodeVerb("sever", "Cut the machine off the network for a while, for a drill", "what to leave", func(_ *cobra.Command, s node.Sever) error {
		return node.Machine{}.Sever(s)
	})
}

func newNodeDisk() *cobra.Command {
	return nodeVerb("disk", "Print what etcd's data is on", "nothing", func(cmd *cobra.Command, _ struct{}) error {
		disk, err := node.Machine{}.Disk()
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), disk)
	})
}

func newNodeFill() *cobra.Command {
	return nodeVerb("fill", "Fill the disk of etcd's data for a while, for a drill", "for how long", func(cmd *cobra.Command, f node.Fill) error {
		return node.Machine{}.Fill(cmd.Context(), f)
	})
}

func newNodeMend() *cobra.Command {
	return nodeVerb("mend", "End what a drill does to the machine", "nothing", func(cmd *cobra.Command, _ struct{}) error {
		return errors.Join(node.Machine{}.Join(), node.Machine{}.Empty(cmd.Context()))
	})
}
