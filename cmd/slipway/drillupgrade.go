package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/ui"
)

func newDrillUpgrade() *cobra.Command {
	var flags drillFlags
	var to, from string
	var write bool
	cmd := &cobra.Command{
		Use:   "upgrade --to VERSION",
		Short: "Upgrade the cluster under load, and report what clients noticed",
		Long: `Drill upgrade takes the cluster to another version of Kubernetes, as apply does when the file says that version, while load
runs through its endpoint and through kube-proxy of every node. This is the upgrade: afterwards the cluster runs the new version. The
file is left alone, and must say the new version before the next plan or apply; --write changes it there once the cluster has come through.

The goals: no outage over one second, fewer than 0.1 % of requests failed, none failed that was sent once more a second later, no
acknowledged write lost, no event missed by a watch, no object lost or changed. Exit code 0 when all are met, 7 when the upgrade went
through and one is missed, and else as apply.

Interrupted, it stops the load, removes what it made, and reports what it saw until then; the upgrade goes on with the next apply or
drill.`,
		Example: `  slipway drill upgrade -f cluster.hcl --to 1.36.3 --report upgrade.html
  slipway drill upgrade -f cluster.hcl --to 1.36.3 --agree prod --write`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			c, file, err := flags.loadAt(to, from)
			if err != nil {
				return err
			}
			report, err := flags.run(cmd, c, "upgrade", bootstrap.Open, func(r *bootstrap.Run) (*drill.Report, error) { return r.DrillUpgrade(cmd.Context(), flags.how) })
			if report == nil || report.Failure != "" || file.Kubernetes == to {
				return err
			}
			o, outErr := output(cmd)
			return errors.Join(err, outErr, tellVersion(o, c, file, write))
		},
	}
	flags.add(cmd)
	cmd.Flags().DurationVar(&flags.how.Calm, "calm", 5*time.Second, "how long to watch before and after, when nothing is done")
	cmd.Flags().StringVar(&to, "to", "", "the version to upgrade to: "+strings.Join(spec.SupportedKubernetes(), ", "))
	cmd.Flags().StringVar(&from, "bundle", "", "the bundle of that version; by default it is looked for beside the one that the file names")
	cmd.Flags().BoolVar(&write, "write", false, "once the cluster runs the new version, write it into the file")
	_ = cmd.MarkFlagRequired("to") // these fail only for a flag that does not exist
	_ = cmd.MarkFlagFilename("bundle", "bundle")
	_ = cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(spec.SupportedKubernetes(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// tellVersion sees to it that the file and the cluster c agree again, or says how.
func tellVersion(o *ui.Output, c, file *spec.Cluster, write bool) error {
	line, bundle := c.Places.Kubernetes.Start.Line, ""
	if file.Bundle != "" && file.Bundle != c.Bundle {
		bundle = fmt.Sprintf(" Its bundle is that of %s still: name that of %s, or none, and it is looked for.", file.Kubernetes, c.Kubernetes)
	}
	if write {
		if err := c.WriteVersion(c.Kubernetes); err != nil {
			return fmt.Errorf("the cluster runs %s now, and its file could not be changed: %w", c.Kubernetes, err)
		}
		o.Note("%s line %d says kubernetes = %q now.%s", c.File, line, c.Kubernetes, bundle)
		return nil
	}
	o.Note("The cluster runs %s now, and %s line %d still says %s: write kubernetes = %q there before the next plan or apply.%s", c.Kubernetes, c.File, line, file.Kubernetes, c.Kubernetes, bundle)
	return nil
}

// loadAt reads the file with another version in the place of the one that it declares, and as it is.
func (f *drillFlags) loadAt(to, from string) (c, file *spec.Cluster, err error) {
	if !slices.Contains(spec.SupportedKubernetes(), to) {
		return nil, nil, &exitError{exitSpec, fmt.Errorf("--to: Slipway makes clusters of %s, and not of %q", strings.Join(spec.SupportedKubernetes(), ", "), to)}
	}
	if file, err = f.load(); err != nil {
		return nil, nil, err
	}
	options := spec.LoadOptions{Vars: f.vars, VarFiles: f.varFiles, Kubernetes: to, Bundle: from}
	if from != "" {
		if options.Bundle, err = filepath.Abs(from); err != nil {
			return nil, nil, err
		}
	} else if file.Kubernetes != to && file.Bundle != "" { // that of the version which the file declares
		if options.Bundle, err = bundle.Find(filepath.Dir(file.Bundle), "", to); err != nil {
			return nil, nil, &exitError{exitSpec, fmt.Errorf("%w; or name it: --bundle FILE", err)}
		}
	}
	if c, err = spec.Read(f.file, options); err != nil {
		return nil, nil, &exitError{exitSpec, err}
	}
	return c, file, nil
}
