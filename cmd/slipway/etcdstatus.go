package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcdStatus() *cobra.Command {
	var flags clusterFlags
	how := bootstrap.EtcdLook{Disks: true, Data: true}
	var noData bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show each member: leader, log, space, disk, version, and whether all hold the same data",
		Long: `Status asks every member in the membership, also those without a declared node, and changes nothing. It works without quorum,
and says then how many of how many vote, and what to do.

  LOG        entries of the leader's that the member has not applied yet
  FREE       share of the database that a defragmentation would give back
  QUOTA      share of the size at which etcd takes no more writes
  FSYNC P99  99 of 100 writes to the log took no longer since the member started; above 10 ms is slow, above 50 ms too slow.
             COMMIT P99 is the same of the database. Both are told on the machine itself only
  HASH       of all data at one revision; equal where members hold the same. Each reads its whole database for it, which
             --no-hash leaves out

Exit code 0 when all is well, 1 when something is not, 5 without quorum.`,
		Example: `  slipway etcd status -f cluster.hcl
  slipway etcd status -f cluster.hcl -o json | jq '.members[] | {name, lag, fsyncP99Seconds}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			how.Data = !noData
			return etcdLook(cmd, &flags, "status", how, (*ui.Output).Etcd)
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&noData, "no-hash", false, "do not compare the members' data")
	return cmd
}

func newEtcdMembers() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "members",
		Short: "List the membership, with IDs and addresses",
		Long: `Members lists who is in etcd's membership, as the member knows it that has come farthest: that works without quorum, too.
Control planes that are declared and no members are listed without an ID, members without a declared node as "not declared".

Exit code 0 when all is well, 1 when something is not, 5 without quorum.`,
		Example: "  slipway etcd members -f cluster.hcl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return etcdLook(cmd, &flags, "members", bootstrap.EtcdLook{}, (*ui.Output).EtcdMembers)
		},
	}
	flags.add(cmd)
	return cmd
}

// etcdLook looks at etcd, shows what it saw, and ends with the exit code that this stands for.
func etcdLook(cmd *cobra.Command, flags *clusterFlags, title string, how bootstrap.EtcdLook, show func(*ui.Output, *status.Etcd) error) error {
	look := func(r *bootstrap.Run) (*status.Etcd, error) { return r.EtcdStatus(cmd.Context(), how) }
	return toldEtcd(cmd, flags, title, true, look, func(o *ui.Output, s *status.Etcd) error {
		if err := show(o, s); err != nil {
			return err
		}
		return etcdCode(s)
	})
}
