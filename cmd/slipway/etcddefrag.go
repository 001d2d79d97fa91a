package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
)

func newEtcdDefrag() *cobra.Command {
	var flags clusterFlags
	var how bootstrap.Defragmenting
	var least int64
	cmd := &cobra.Command{
		Use:   "defrag",
		Short: "Give back the space that members' databases do not use, one member at a time",
		Long: `Defrag has members write their databases anew, without what is free in them. A member does not answer meanwhile, and the API server
beside it waits: so one goes after the other, each is waited for until it is healthy and has caught up, and the leader comes last, after it
has handed its leadership to another. It refuses while a voter is not healthy.

A snapshot is taken before the first member, into the state directory, verified; --no-snapshot goes on without.

Members of which little could be freed are left as they are: it must be --threshold of the database and --least-mib at once.`,
		Example: `  slipway etcd defrag -f cluster.hcl
  slipway etcd defrag -f cluster.hcl --threshold 0.5
  slipway etcd defrag -f cluster.hcl --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if how.Threshold < 0 || how.Threshold > 1 {
				return &exitError{exitSpec, fmt.Errorf("--threshold %g is not between 0 and 1", how.Threshold)}
			}
			if least < 0 {
				return &exitError{exitSpec, fmt.Errorf("--least-mib %d is less than nothing", least)}
			}
			how.Least = least << 20
			return etcdFreed(cmd, &flags, "defrag", func(r *bootstrap.Run) ([]status.Defragmented, error) {
				return r.DefragmentEtcd(cmd.Context(), how)
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().Float64Var(&how.Threshold, "threshold", 0.3, "least share of a database that must be free, 0 to 1")
	cmd.Flags().Int64Var(&least, "least-mib", 100, "least that must be free of a database, in MiB")
	cmd.Flags().BoolVar(&how.All, "all", false, "every member, whatever can be freed")
	addNoSnapshot(cmd, &how.NoSnapshot)
	cmd.MarkFlagsMutuallyExclusive("all", "threshold")
	cmd.MarkFlagsMutuallyExclusive("all", "least-mib")
	return cmd
}

// etcdFreed runs what defragments, and tells what was freed, also by a run that ended early.
func etcdFreed(cmd *cobra.Command, flags *clusterFlags, title string, work func(*bootstrap.Run) ([]status.Defragmented, error)) error {
	var done []status.Defragmented
	var kept string
	err := onEtcd(cmd, flags, title, false, func(r *bootstrap.Run) (err error) {
		done, err = work(r)
		kept = r.Kept()
		return err
	})
	if err != nil && len(done) == 0 {
		return err
	}
	o, failed := output(cmd)
	if failed != nil {
		return errors.Join(err, failed)
	}
	if kept != "" {
		o.Note("What etcd held before is in %s.", kept)
	}
	return errors.Join(err, o.EtcdDefragmented(done))
}

// addNoSnapshot adds the flag that does without the snapshot that is taken first.
func addNoSnapshot(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "no-snapshot", false, "take no snapshot of etcd first")
}
