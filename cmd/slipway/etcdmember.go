package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcdPromote() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "promote NAME|ID",
		Short: "Give a learner its vote, as soon as it has caught up",
		Long: `Promote finishes by hand what a join that was cut off left behind: a learner that follows the others and has no vote. It waits
until the learner has caught up.`,
		Example:           "  slipway etcd promote cp-3 -f cluster.hcl",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: controlPlaneNames(&flags),
		RunE: func(cmd *cobra.Command, args []string) error {
			return toldEtcd(cmd, &flags, "promote", false,
				func(r *bootstrap.Run) (*status.Membership, error) { return r.PromoteEtcdMember(cmd.Context(), args[0]) },
				func(o *ui.Output, done *status.Membership) error { return o.EtcdMembership(done, "votes") })
		},
	}
	flags.add(cmd)
	return cmd
}

func newEtcdRemove() *cobra.Command {
	var flags clusterFlags
	var how bootstrap.Removing
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove NAME|ID",
		Short: "Take a member out that is gone for good",
		Long: `Remove takes a member out of etcd's membership. The data that its machine has is of no use afterwards: it can come back only as
a new member.

It is refused where the healthy voters that remain would be no majority, and there is no way around that. A healthy member of a
declared control plane goes only with --force: to take a living machine out, use slipway reset on it.

A snapshot is taken first, into the state directory, verified; --no-snapshot goes on without.

In a cluster that was begun by hand, run it on another control plane: there a dead machine's Node and its place among the control
planes go, too, so that others can join and leave again.`,
		Example: `  slipway etcd remove cp-3 -f cluster.hcl
  slipway etcd remove 8e9e05c52164694d --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: controlPlaneNames(&flags),
		RunE: func(cmd *cobra.Command, args []string) error {
			how.Member = args[0]
			how.Agree = func(m status.Membership) error {
				if yes {
					return nil
				}
				first := " A snapshot is taken first."
				if how.NoSnapshot {
					first = ""
				}
				return agreed(cmd, m.Member, "Remove %s from etcd, for good? Now %s; then %s.%s Type %s to go on: ", m.Member, ui.Majority(m.Before), ui.Majority(m.After), first, m.Member)
			}
			return toldEtcd(cmd, &flags, "remove", false,
				func(r *bootstrap.Run) (*status.Membership, error) { return r.RemoveEtcdMember(cmd.Context(), how) },
				func(o *ui.Output, done *status.Membership) error { return o.EtcdMembership(done, "removed") })
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	addNoSnapshot(cmd, &how.NoSnapshot)
	cmd.Flags().BoolVar(&how.Force, "force", false, "also a healthy member of a declared control plane")
	return cmd
}

// controlPlaneNames completes the first argument.
func controlPlaneNames(flags *clusterFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, _, err := flags.which(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp // what is wrong with the file is told when the verb is run
		}
		var names []string
		for _, n := range c.ControlPlanes() {
			names = append(names, n.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
