package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
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
