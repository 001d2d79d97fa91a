package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/plan"
)

func newApply() *cobra.Command {
	var flags clusterFlags
	var forget []string
	var takeOver bool
	cmd := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Make the machines what the file says",
		Long: `Apply plans and carries the plan out: it sends each machine what it lacks, converges it, and waits
until every node is Ready and every pod of kube-system runs. A second apply changes nothing. It can be
interrupted at any moment; running it again finishes.

A node that is no longer in the file is drained, deleted from the cluster, and its machine cleaned. If the
machine is dead, its pods are given up, and the machine is remembered and cleaned by the first apply that reaches it;
--forget gives it up for good.

Control planes come and go with the file, too, one at a time: those that are dead leave etcd first, new ones enter as learners
and vote when they have caught up, and those that leave alive hand over and go last. Plan shows the order, and how many
may fail meanwhile. Where etcd has lost its quorum for good, nothing is done, with exit code 5: see slipway etcd recover.

With --take-over it makes a cluster Slipway's that kubeadm made, by the file that slipway export wrote: one machine after the
other, with its authorities, its etcd and all that is in it. Machines of such a cluster are refused without.

With a PLAN, written by slipway plan --out, it does just that plan, or refuses when the file or a
machine has changed since.`,
		Example: "  slipway apply -f cluster.hcl",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			var stored *plan.Plan
			if len(args) == 1 {
				s, err := readPlan(args[0])
				if err != nil {
					return err
				}
				flags.file, flags.vars, flags.varFiles, stored = s.File, s.Vars, s.VarFiles, s.Plan
				takeOver = takeOver || s.TakeOver
			}
			unchanged := false
			feed, err := follow(o, &flags, "apply", false, bootstrap.Open, func(r *bootstrap.Run) (err error) {
				r.Forget, r.TakeOver = forget, takeOver
				unchanged, err = applied(cmd.Context(), r, stored)
				return err
			})
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			if unchanged {
				o.Note("No changes: the cluster is as declared.")
			} else {
				o.Note("The cluster is up. To use it: slipway kubeconfig -f %s > kubeconfig && export KUBECONFIG=$PWD/kubeconfig", flags.file)
			}
			return nil
		},
	}
	flags.add(cmd)
	takeOverFlag(cmd, &takeOver)
	cmd.Flags().StringArrayVar(&forget, "forget", nil, "a node no longer in the file whose machine does not answer: do not try to clean it any more")
	return cmd
}

// applied plans and applies, unless the plan is another than the stored one, if there is one. It reports whether there was nothing to do.
func applied(ctx context.Context, r *bootstrap.Run, stored *plan.Plan) (unchanged bool, err error) {
	p, err := r.Plan(ctx)
	if err != nil {
		return false, err
	}
	if stored != nil {
		if err := stored.Stale(p); err != nil {
			return false, err
		}
	}
	return p.Empty(), r.Apply(ctx, p)
}
