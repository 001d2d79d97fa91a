package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/plan"
)

func newRollback() *cobra.Command {
	var flags clusterFlags
	var yes, full bool
	var bundle string
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Take the last change of the Kubernetes version back",
		Long: `Rollback takes the nodes that were changed back to the version before, in the order of an upgrade turned round:
workers first, drained in batches, then one control plane after the other, each waited for. It works while an
upgrade stands half way, and after one that is finished, as long as the API servers of the version before can read what
is stored by now; otherwise it says what they could not, and names the snapshot that was taken before.

It is for clusters that slipway apply looks after. On machines that are upgraded by hand, one that does not come through is
put back by itself, and the rest goes forward: slipway upgrade plan shows what is left.

It shows the plan and asks. It can be interrupted at any moment; running it again finishes. Your file is not
touched: write the version before into it afterwards, or the next apply upgrades again.`,
		Example: "  slipway rollback -f cluster.hcl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("file") {
				if err := bootstrap.RefuseTakeBackHere(); err != nil {
					return coded(err)
				}
			}
			c, err := flags.load()
			if err != nil {
				return err
			}
			if bundle != "" {
				if c.Bundle, err = filepath.Abs(bundle); err != nil {
					return err
				}
			}
			var p *plan.Plan
			var from, to string
			if !yes {
				_, err = followOn(o, c, flags.timeout, "rollback", true, bootstrap.Open, func(r *bootstrap.Run) (err error) {
					r.TakeBack = true
					p, err = r.Plan(cmd.Context())
					from, to = r.TakesBack()
					return err
				})
				if err != nil {
					return err
				}
				if err := o.Plan(p, full); err != nil {
					return err
				}
				if err := agreed(cmd, c.Name, "Take %q back from Kubernetes %s to %s? Type its name to go on: ", c.Name, from, to); err != nil {
					return err
				}
			}
			feed, err := followOn(o, c, flags.timeout, "rollback", false, bootstrap.Open, func(r *bootstrap.Run) error {
				r.TakeBack = true
				p, err := r.Plan(cmd.Context())
				if err != nil {
					return err
				}
				from, to = r.TakesBack()
				return r.Apply(cmd.Context(), p)
			})
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			o.Note("The cluster is back from Kubernetes %s to %s. Write kubernetes = %q into %s, or the next apply upgrades again.", from, to, to, flags.file)
			return nil
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&full, "full", false, "show every change of the plan")
	cmd.Flags().StringVar(&bundle, "bundle", "", "the bundle of the version before; looked for beside the one that the file names, the file and the program unless given")
	return cmd
}
