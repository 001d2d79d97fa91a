package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/plan"
)

func newPlan() *cobra.Command {
	var flags clusterFlags
	var out string
	var full, takeOver bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would change, per node, file by file",
		Long: `Plan looks at every machine and shows what apply would change there: exit code 0 when nothing,
2 when something. Secrets show as hashes. It changes nothing on a machine, except that the slipway
binary, which looks around there, stays in /var/lib/slipway/bin.`,
		Example: `  slipway plan -f cluster.hcl
  slipway plan -f cluster.hcl --out friday.plan && slipway apply friday.plan`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			var p *plan.Plan
			_, err = follow(o, &flags, "plan", true, bootstrap.Open, func(r *bootstrap.Run) (err error) {
				r.TakeOver = takeOver
				p, err = r.Plan(cmd.Context())
				return err
			})
			if err != nil {
				return err
			}
			if out != "" {
				if err := writePlan(out, &flags, takeOver, p); err != nil {
					return err
				}
			}
			if err := o.Plan(p, full); err != nil || p.Empty() {
				return err
			}
			return &exitError{code: exitChanges}
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "also write the plan to a file, for apply FILE")
	takeOverFlag(cmd, &takeOver)
	cmd.Flags().BoolVar(&full, "full", false, "show every change, also the many of a fresh machine")
	return cmd
}

// takeOverFlag is what it takes to make a cluster Slipway's that others made: nobody does so by a mistyped address.
func takeOverFlag(cmd *cobra.Command, into *bool) {
	cmd.Flags().BoolVar(into, "take-over", false, "the machines are nodes of a cluster that kubeadm made, and it is to become Slipway's, with all that is in it")
}

// storedPlan is a plan with what is needed to make it again and compare.
type storedPlan struct {
	File     string            `json:"file"`
	Vars     map[string]string `json:"vars,omitempty"`
	VarFiles []string          `json:"varFiles,omitempty"`
	TakeOver bool              `json:"takeOver,omitempty"`
	Plan     *plan.Plan        `json:"plan"`
}

func writePlan(path string, flags *clusterFlags, takeOver bool, p *plan.Plan) error {
	text, err := json.MarshalIndent(storedPlan{flags.file, flags.vars, flags.varFiles, takeOver, p}, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(path, append(text, '\n'), 0o600)
}

func readPlan(path string) (storedPlan, error) {
	var s storedPlan
	text, err := os.ReadFile(path)
	if err != nil {
		return s, &exitError{exitSpec, err}
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Plan == nil {
		return s, &exitError{exitSpec, fmt.Errorf("%s is not a plan that slipway plan --out wrote", path)}
	}
	if s.Plan.Format != plan.FormatVersion {
		return s, &exitError{exitSpec, fmt.Errorf("%s has plan format %d, this slipway reads %d: plan again", path, s.Plan.Format, plan.FormatVersion)}
	}
	return s, nil
}
