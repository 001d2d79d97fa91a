package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/plan"
	"github.com/slipway/slipway/internal/ui"
)

func newUpgradePlan() *cobra.Command {
	var flags byHand
	var full bool
	cmd := &cobra.Command{
		Use:   "plan [VERSION]",
		Short: "Show which versions are possible from here, or what a change to one would do",
		Long: `Plan shows, without a version, which versions the cluster can go to from here, and whether their bundles are found. With one, it checks
the whole cluster as an upgrade would, and shows what would change on this control plane, file by file, and what is to be run on which
machine after it. While a change stands half way it shows what is left of it. It changes nothing.

Exit code 0 when there is nothing to upgrade to, 2 when there is, 3 for a version that cannot be, 4 when a machine is not fit for it.`,
		Example: `  slipway upgrade plan
  slipway upgrade plan 1.36.3 --bundle slipway-1.36.3-amd64.bundle`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			c, here, err := flags.controlPlane("upgrade plan")
			if err != nil {
				return err
			}
			version := ""
			if len(args) > 0 {
				version = strings.TrimPrefix(args[0], "v")
			}
			var possible bootstrap.Upgrades
			var p *plan.Plan
			_, err = followOn(o, c, flags.timeout, "upgrade plan", true, viewHere(here.Name), func(r *bootstrap.Run) (err error) {
				if version == "" {
					if possible, err = r.Upgrades(cmd.Context()); err != nil || possible.UnderWay == "" {
						return err
					}
				}
				p, err = r.UpgradePlan(cmd.Context(), version)
				return err
			})
			if err != nil {
				return err
			}
			pending := possible.Possible()
			if p == nil {
				err = showPossible(o, possible)
			} else {
				pending = len(p.Course) > 0
				err = o.Plan(p, full)
			}
			if err != nil || !pending {
				return err
			}
			return &exitError{code: exitChanges}
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&full, "full", false, "show every change and whole diffs")
	return cmd
}

// showPossible answers with the versions that the cluster can go to.
func showPossible(o *ui.Output, u bootstrap.Upgrades) error {
	if len(u.Versions) == 0 {
		return o.Value(u, func(w io.Writer) error {
			_, err := io.WriteString(w, "The cluster runs Kubernetes "+u.From+", the newest that this slipway knows.\n")
			return err
		})
	}
	var rows [][]string
	for _, v := range u.Versions {
		how, found := "slipway upgrade plan "+v.Version, v.Bundle
		if v.After != "" {
			how = "after " + v.After
		}
		if found == "" {
			found = "not found here: name it with --bundle"
		}
		rows = append(rows, []string{v.Version, found, how})
	}
	if err := o.Text(func(w io.Writer) error {
		_, err := io.WriteString(w, "The cluster runs Kubernetes "+u.From+".\n\n")
		return err
	}); err != nil {
		return err
	}
	return o.Table(u, []string{"VERSION", "BUNDLE", "HOW"}, rows)
}
