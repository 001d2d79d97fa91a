package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
)

// ticketFlags are those of the verbs that make what machines join with.
type ticketFlags struct {
	clusterFlags
	wanted bootstrap.Ticketing
}

// lifetime is how long a token is good where nobody says.
const lifetime = 24 * time.Hour

func (f *ticketFlags) add(cmd *cobra.Command) {
	f.clusterFlags.add(cmd)
	cmd.Flags().StringVar(&f.wanted.Description, "description", "", "what the token is for")
	cmd.Flags().DurationVar(&f.wanted.Lifetime, "ttl", lifetime, "how long it is good; 0 for ever")
	cmd.Flags().BoolVar(&f.wanted.ControlPlane, "control-plane", false, "hand over what control planes need, for two hours, and print the key to it")
}

// print makes the ticket and prints it, as a document or in the words that text finds.
func (f *ticketFlags) print(cmd *cobra.Command, text func(bootstrap.Ticket) string) error {
	o, err := output(cmd)
	if err != nil {
		return err
	}
	if f.wanted.Lifetime != 0 && f.wanted.Lifetime < shortest {
		return &exitError{exitSpec, fmt.Errorf("--ttl is %s: expected %s at the least, or 0 for ever", f.wanted.Lifetime, shortest)}
	}
	return onCluster(cmd, &f.clusterFlags, func(r *bootstrap.Run) error {
		t, err := r.CreateToken(cmd.Context(), f.wanted)
		if err != nil {
			return err
		}
		return o.Value(t, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, text(t))
			return err
		})
	})
}

// shortest is the life of a token that can be used at all: it takes some seconds until the cluster knows it.
const shortest = 10 * time.Second

func newTokenCreate() *cobra.Command {
	var flags ticketFlags
	var command bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a token and print it",
		Example: `  slipway token create --print-join-command
  slipway token create -f cluster.hcl --ttl 2h --description "rack 7"`,
		Long: `Create makes a token with which machines join. With --control-plane it hands over what a control plane needs, too:
the authorities' keys, each sealed with a key that is printed this once and kept nowhere, in a Secret of kube-system that
goes after two hours. Doing so again seals them anew, and the key before is good for nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.print(cmd, func(t bootstrap.Ticket) string {
				switch {
				case command:
					return t.Command()
				case t.CertificateKey != "":
					return t.Token + "\n" + t.CertificateKey
				}
				return t.Token
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&command, "print-join-command", false, "print the whole join command, as slipway join-command does")
	return cmd
}

func newJoinCommand() *cobra.Command {
	var flags ticketFlags
	cmd := &cobra.Command{
		Use:   "join-command",
		Short: "Make a token and print the command with which a machine joins",
		Long: `Join-command makes a token and prints the whole command with which a machine, as root, joins the cluster as a worker, or
with --control-plane as a control plane. On a control plane it needs no file; elsewhere -f names the cluster's.

What it prints is a secret for as long as the token is good, and with a certificate key it is the cluster's authority for two
hours. slipway token list shows the tokens that are good, and slipway token delete ends one before its time.`,
		Example: `  slipway join-command
  slipway join-command --control-plane
  slipway join-command -f cluster.hcl --ttl 2h --description "rack 7"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.print(cmd, bootstrap.Ticket.Command) },
	}
	flags.add(cmd)
	return cmd
}
