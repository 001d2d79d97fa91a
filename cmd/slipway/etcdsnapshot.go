package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcdSnapshot() *cobra.Command {
	var flags clusterFlags
	var how bootstrap.Snapshotting
	cmd := &cobra.Command{
		Use:   "snapshot [PATH]",
		Short: "Keep what etcd holds in a file, verified",
		Long: `Snapshot takes etcd's data from a healthy follower, or from the leader where there is none, and puts it at PATH, or into snapshots/
of the state directory under a name of the time. The file has mode 0600, since it holds every Secret (encrypted, if the cluster
encrypts them), and is there whole or not at all.

It is verified before it gets its name: by the sum that etcd sends behind the data, and by the hash of its data, which must be
what the member says of its own at that revision. That takes as much room again as the file.

Without quorum it is taken from the member that has come farthest, and that is told: it is what is left to go on from.`,
		Example: `  slipway etcd snapshot -f cluster.hcl
  slipway etcd snapshot -f cluster.hcl /backup/etcd-$(date +%F).db`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				how.Path = args[0]
			}
			return toldEtcd(cmd, &flags, "snapshot", true,
				func(r *bootstrap.Run) (*status.Snapshot, error) { return r.SnapshotEtcd(cmd.Context(), how) },
				(*ui.Output).EtcdSnapshot)
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&how.Force, "force", false, "replace what is at PATH")
	return cmd
}
