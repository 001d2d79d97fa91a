package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/drill"
)

func newDrillWatch() *cobra.Command {
	var flags drillFlags
	var long time.Duration
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Only watch, while you do something to the cluster",
		Long: `Drill watch puts the load of a drill on the cluster for a while, does nothing else to it, and reports what clients noticed of
whatever you did meanwhile: pulled a cable, restarted a machine, applied a change.

Exit code 0 when every goal of a drill is met, 7 when one is missed.`,
		Example: "  slipway drill watch -f cluster.hcl --for 2m --report watch.html",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			if long < time.Second || long > 24*time.Hour {
				return &exitError{exitSpec, fmt.Errorf("--for %s is not between 1s and 24h", long)}
			}
			c, err := flags.load()
			if err != nil {
				return err
			}
			_, err = flags.run(cmd, c, "watch", bootstrap.View, func(r *bootstrap.Run) (*drill.Report, error) { return r.DrillWatch(cmd.Context(), flags.how, long) })
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().DurationVar(&long, "for", time.Minute, "how long")
	return cmd
}
