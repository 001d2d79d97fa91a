package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
)

func newRestore() *cobra.Command {
	var flags clusterFlags
	var yes bool
	var from bootstrap.RestoreFrom
	var objects objectFlags
	var here hereFlags
	cmd := &cobra.Command{
		Use:   "restore ARCHIVE",
		Short: "Bring a cluster back to what an archive holds, on the same machines or new ones",
		Long: `Restore makes the cluster of the file hold what it held when the archive was taken. It is for a cluster whose data
is damaged or lost, and for one whose control planes are gone: put new machines, with new addresses, into the file.

It sends machines what they lack, then stops every API server and then every etcd, restores the same snapshot on
every control plane, moves the old data aside (to /var/lib/etcd/removed-TIME, where it stays), starts the cluster, and waits
until everybody who reads it has read it anew. Revisions begin far behind any that was seen before, and watches begin anew.
Pods on workers that are in the archive go on running throughout; those that are not are ended.

Whatever was written since the archive was taken is lost. It shows what it would do, and asks. Nothing is stopped before
everything has been looked at: a damaged or foreign archive, another version, a machine that does not answer are refused.

Two clusters must never run side by side. A control plane that there was and that the file does not declare any more is stopped
and cleaned if it answers. If it does not, it may be dead or only out of reach: --gone NAME says that it is dead for good.

ARCHIVE is a file, or s3://BUCKET/KEY, which is fetched before anything else, into a folder that only you can look into.
The keys come from the state directory; where that is empty, from the archive, opened with --identity. A bare
snapshot of etcd, such as an upgrade keeps, does in the place of an archive where the state directory is there.

It can be interrupted at any moment; running it again with the same archive finishes, and nothing else may be applied before.

On a control plane of a cluster that is made by hand it needs no file, and no SSH: the machine becomes the cluster's only control
plane. So does a machine that is in no cluster, with --here and --identity: what it becomes part of stands in the archive. The others must
be off, or taken off by slipway reset, and named with --gone; they join anew. Workers follow where the endpoint stays.

slipway restore and slipway etcd restore are the same command.`,
		Example: `  slipway restore -f cluster.hcl prod-20261129T120000Z.slipway
  slipway restore -f cluster.hcl ARCHIVE --identity key.txt --gone cp-1,cp-2,cp-3

  slipway restore ARCHIVE --gone cp-2,cp-3                                        on cp-1, by hand
  slipway restore --here ARCHIVE --identity key.txt --gone cp-1,cp-2,cp-3         on a new machine, by hand`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			file, done, err := objects.fetched(cmd.Context(), args[0], "")
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, done()) }()
			from.Path = file
			if file != args[0] {
				from.Name = args[0]
			}
			c, open, err := here.target(cmd, &flags, &from)
			if err != nil {
				return err
			}
			if !yes {
				var p *bootstrap.RestorePlan
				_, err := followOn(o, c, flags.timeout, "restore", true, open, func(r *bootstrap.Run) (err error) {
					p, err = r.PlanRestore(cmd.Context(), from)
					return err
				})
				if err != nil {
					return err
				}
				if err := o.Table(p, []string{"RESTORE", p.Cluster}, restoreRows(p, time.Now())); err != nil {
					return err
				}
				if err := agreed(cmd, c.Name, "Restore cluster %q? Type its name to go on: ", c.Name); err != nil {
					return err
				}
			}
			var p *bootstrap.RestorePlan
			feed, err := followOn(o, c, flags.timeout, "restore", false, open, func(r *bootstrap.Run) (err error) {
				if p, err = r.PlanRestore(cmd.Context(), from); err != nil {
					return err
				}
				return r.Restore(cmd.Context())
			})
			if err != nil {
				return err
			}
			o.Times(feed.Times())
			o.Note("The cluster is what it was at %s. What etcd held before is in /var/lib/etcd/removed-… on the control planes that it ran on: delete it when it is not wanted any more.",
				p.Taken.Local().Format(time.DateTime))
			here.note(o, p)
			return nil
		},
	}
	flags.add(cmd)
	objects.add(cmd)
	here.add(cmd)
	cmd.Flags().StringArrayVar(&from.Identities, "identity", nil, "a file of age identities, or an SSH private key, that opens the archive's keys")
	cmd.Flags().StringSliceVar(&from.Gone, "gone", nil, "control planes there were whose machines are dead for good: name,…")
	cmd.Flags().BoolVar(&from.Anew, "anew", false, "begin anew with this archive, although the restore of another stands half way")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	_ = cmd.MarkFlagFilename("identity") // fails only for a flag that does not exist
	return cmd
}

// restoreRows tell people what a restore would do, most important first.
func restoreRows(p *bootstrap.RestorePlan, now time.Time) [][]string {
	rows := [][]string{
		{"archive", filepath.Base(p.File)},
		{"taken", fmt.Sprintf("%s, %s ago", p.Taken.Local().Format(time.DateTime), now.Sub(p.Taken).Round(time.Second))},
		{"Kubernetes", cmp.Or(p.Version, "not known")},
		{"revision", fmt.Sprintf("%d; the restored cluster begins with %d or later", p.Revision, p.Base)},
		{"now", restoreLoss(p)},
	}
	for _, row := range []struct {
		name  string
		nodes []string
	}{{"data on", p.Data}, {"changed, too", p.Changed}, {"stopped, cleaned", p.Stopped}, {"dead, you say", p.Gone}} {
		if len(row.nodes) > 0 {
			rows = append(rows, []string{row.name, strings.Join(row.nodes, ", ")})
		}
	}
	for _, text := range p.Warnings {
		rows = append(rows, []string{"warning", text})
	}
	return rows
}

// restoreLoss tells what will be lost, as far as the cluster that runs answers.
func restoreLoss(p *bootstrap.RestorePlan) string {
	switch {
	case p.Resumes:
		return "a restore of it stands half way, and goes on"
	case p.Live == nil:
		return "no etcd answers: what was written since the archive was taken is not known, and LOST"
	case p.Live.Revision < p.Revision:
		return fmt.Sprintf("%d keys at revision %d, which the archive is ahead of: they are LOST", p.Live.Keys, p.Live.Revision)
	case p.RestoredSince():
		return fmt.Sprintf("%d keys at revision %d, of a cluster that was restored since the archive was taken: all that was written since is LOST", p.Live.Keys, p.Live.Revision)
	}
	return fmt.Sprintf("%d keys at revision %d: %d writes since the archive was taken are LOST", p.Live.Keys, p.Live.Revision, p.Live.Revision-p.Revision)
}
