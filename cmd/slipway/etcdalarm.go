package main

import (
	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/status"
)

func newEtcdAlarm() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alarm",
		Short: "List members' alarms, recover from a full database, take alarms back",
		Long: `A member raises an alarm when its database has reached the quota (NOSPACE: etcd takes no writes any more) or when its data is not
what the others hold (CORRUPT). An alarm stays until it is taken back.`,
	}
	cmd.AddCommand(newEtcdAlarmList(), newEtcdAlarmRecover(), newEtcdAlarmDisarm())
	return cmd
}

func newEtcdAlarmList() *cobra.Command {
	var flags clusterFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the alarms; exit code 1 when there is any",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			alarms, err := etcdAlarms(cmd, &flags, "alarm list", true, func(r *bootstrap.Run) ([]status.Alarm, error) { return r.EtcdAlarms(cmd.Context()) })
			if err == nil && len(alarms) > 0 {
				return &exitError{code: exitFailed}
			}
			return err
		},
	}
	flags.add(cmd)
	return cmd
}

func newEtcdAlarmDisarm() *cobra.Command {
	var flags clusterFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "disarm",
		Short: "Take all alarms back, once their cause is mended",
		Long: `Disarm takes all alarms back and lists those that there were. An alarm whose cause is not mended is raised again. CORRUPT is taken back
only when every voter was compared and holds the same data, or with --force: one that is away may be the one that differs.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := etcdAlarms(cmd, &flags, "alarm disarm", false, func(r *bootstrap.Run) ([]status.Alarm, error) { return r.DisarmEtcd(cmd.Context(), force) })
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "take CORRUPT back although members differ, or cannot be compared")
	return cmd
}

func newEtcdAlarmRecover() *cobra.Command {
	var flags clusterFlags
	var noSnapshot bool
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Make an etcd that ran out of space take writes again",
		Long: `Recover does what etcd's manual says for NOSPACE, in one go: superseded versions of objects are forgotten, members are defragmented
one by one, alarms are taken back, and a write is tried. A snapshot is taken first, with the superseded versions in it, into the state
directory, verified; --no-snapshot goes on without. No object is lost. Watches that were far behind begin anew, as after every
compaction that the API servers make themselves.

Where a database is full of what is in use it says so, and leaves the alarm: then the quota has to grow, or objects have to go.`,
		Example: "  slipway etcd alarm recover -f cluster.hcl",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return etcdFreed(cmd, &flags, "alarm recover", func(r *bootstrap.Run) ([]status.Defragmented, error) {
				return r.RecoverSpace(cmd.Context(), noSnapshot)
			})
		},
	}
	flags.add(cmd)
	addNoSnapshot(cmd, &noSnapshot)
	return cmd
}

// etcdAlarms runs a verb that answers with alarms, and shows them.
func etcdAlarms(cmd *cobra.Command, flags *clusterFlags, title string, view bool, work func(*bootstrap.Run) ([]status.Alarm, error)) (alarms []status.Alarm, err error) {
	err = onEtcd(cmd, flags, title, view, func(r *bootstrap.Run) (err error) {
		alarms, err = work(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	o, err := output(cmd)
	if err != nil {
		return nil, err
	}
	return alarms, o.EtcdAlarms(alarms)
}
