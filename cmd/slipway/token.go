package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
)

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and delete the tokens with which machines join",
		Long: `A token lets machines join the cluster until it expires; the hash of the cluster's authority, beside
it in the join command, lets them know the cluster. The first token opens the cluster for joining.

On a control plane that was begun with slipway init, the verbs need no file. Elsewhere -f names the cluster's.`,
	}
	cmd.AddCommand(newTokenCreate(), newTokenList(), newTokenDelete())
	return cmd
}

// onCluster runs a short query on the cluster that -f names, or else on the one that this machine keeps.
func onCluster(cmd *cobra.Command, flags *clusterFlags, work func(*bootstrap.Run) error) error {
	own, here, err := bootstrap.Own()
	switch {
	case cmd.Flags().Changed("file") || errors.Is(err, fs.ErrNotExist):
		r, err := flags.open(bootstrap.View, event.Discard)
		if err != nil {
			return err
		}
		defer r.Close()
		return coded(work(r))
	case err != nil:
		return err
	}
	if !slices.ContainsFunc(own.ControlPlanes(), func(n spec.Node) bool { return n.Name == here }) {
		return &exitError{exitSpec, fmt.Errorf("this machine is a worker, and tokens are made on control planes: run this on %s, or name the cluster's file with -f", own.ControlPlanes()[0].Name)}
	}
	r, err := bootstrap.View(own, event.Discard)
	if err != nil {
		return err
	}
	defer r.Close()
	r.Here, r.Timeout = here, flags.timeout
	return coded(work(r))
}

// shortest is the life of a token that can be used at all: it takes some seconds until the cluster knows it.
const shortest = 10 * time.Second

func newTokenCreate() *cobra.Command {
	var flags clusterFlags
	var wanted bootstrap.Ticketing
	var command bool
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a token and print it, or the command to join with it",
		Example: `  slipway token create --print-join-command
  slipway token create --control-plane --print-join-command
  slipway token create -f cluster.hcl --ttl 2h --description "rack 7"`,
		Long: `Create makes a token with which machines join. With --control-plane it hands over what a control plane needs, too:
the authorities' keys, each sealed with a key that is printed this once and kept nowhere, in a Secret of kube-system that
goes after two hours. Doing so again seals them anew, and the key before is good for nothing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			if wanted.Lifetime != 0 && wanted.Lifetime < shortest {
				return &exitError{exitSpec, fmt.Errorf("--ttl is %s: expected %s at the least, or 0 for ever", wanted.Lifetime, shortest)}
			}
			return onCluster(cmd, &flags, func(r *bootstrap.Run) error {
				t, err := r.CreateToken(cmd.Context(), wanted)
				if err != nil {
					return err
				}
				text := t.Token
				if t.CertificateKey != "" {
					text += "\n" + t.CertificateKey
				}
				if command {
					text = t.Command()
				}
				return o.Value(t, func(w io.Writer) error {
					_, err := fmt.Fprintln(w, text)
					return err
				})
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&wanted.Description, "description", "", "what the token is for")
	cmd.Flags().DurationVar(&wanted.Lifetime, "ttl", 24*time.Hour, "how long it is good; 0 for ever")
	cmd.Flags().BoolVar(&command, "print-join-command", false, "print the whole join command")
	cmd.Flags().BoolVar(&wanted.ControlPlane, "control-plane", false, "hand over what control planes need, for two hours, and print the key to it")
	return cmd
}

func newTokenList() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tokens, without what makes them ones",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			return onCluster(cmd, &flags, func(r *bootstrap.Run) error {
				tokens, err := r.Tokens(cmd.Context())
				if err != nil {
					return err
				}
				return o.Table(tokens, []string{"ID", "EXPIRES", "DESCRIPTION"}, tokenRows(tokens))
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func tokenRows(tokens []bootstrap.Token) (rows [][]string) {
	for _, t := range tokens {
		expires := "never"
		if !t.Expires.IsZero() {
			expires = t.Expires.Local().Format("2006-01-02 15:04:05 MST")
		}
		rows = append(rows, []string{t.ID, expires, t.Description})
	}
	return rows
}

func newTokenDelete() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "delete ID…",
		Short: "Delete tokens: nobody joins with them any more",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return onCluster(cmd, &flags, func(r *bootstrap.Run) error {
				for _, id := range ids {
					if err := r.DeleteToken(cmd.Context(), id); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	flags.add(cmd)
	return cmd
}
