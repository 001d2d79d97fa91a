package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcdBackups() *cobra.Command {
	var flags clusterFlags
	var objects objectFlags
	var whole bool
	cmd := &cobra.Command{
		Use:   "backups [PLACE]",
		Short: "List archives: when they were taken, at which revision, whether they are sound",
		Long: `Backups lists what is called as archives are, newest first, and changes nothing. PLACE is a folder, or s3://BUCKET/PREFIX; without it
the places are those of the cluster's file: the directory on every control plane and the object store of its backup block, and the
folder "backups" in the state directory.

Archives in folders are read from beginning to end, and are sound where every byte is as it was written. Of those in an object store,
which looks after that itself, only the beginning and the end are read, unless --whole asks for all: they are "not cut off" then.
What an archive is good for beyond that, slipway etcd verify proves.

Exit code 0 also where some are not sound; each says so.`,
		Example: `  slipway etcd backups -f cluster.hcl
  slipway etcd backups /mnt/backups -o json
  slipway etcd backups s3://archives/clusters/prod --s3-endpoint s3.example.com --s3-credentials s3-credentials`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			list := &bootstrap.ArchiveList{Archives: []bootstrap.KeptArchive{}}
			if len(args) > 0 {
				s, ok, err := objects.bucket(args[0])
				if err != nil {
					return err
				}
				if !ok {
					s = store.Dir(args[0])
				}
				found, err := backup.Catalogue(cmd.Context(), s, whole)
				if err != nil {
					return err
				}
				list.Add("", s.Path(""), found, nil)
				return writeArchives(o, list)
			}
			c, here, err := flags.which(cmd)
			if err != nil {
				return err
			}
			_, err = followOn(o, c, flags.timeout, "backups", true, viewHere(here), func(r *bootstrap.Run) (err error) {
				list, err = r.Archives(cmd.Context(), whole)
				return err
			})
			if err != nil {
				return err
			}
			return writeArchives(o, list)
		},
	}
	flags.add(cmd)
	objects.add(cmd)
	cmd.Flags().BoolVar(&whole, "whole", false, "read archives in object stores from beginning to end, too")
	return cmd
}

// writeArchives shows a list to people, or as JSON.
func writeArchives(o *ui.Output, list *bootstrap.ArchiveList) error {
	return o.Value(list, func(w io.Writer) error {
		var rows [][]string
		for _, a := range list.Archives {
			row := []string{"-", "-", "-", "-", fmt.Sprint(a.Bytes), soundness(a), a.Path}
			if m := a.Manifest; m != nil {
				row[0], row[1], row[2], row[3] = m.Taken.Local().Format("2006-01-02 15:04:05"), m.Cluster.Name, m.Versions.Kubernetes, fmt.Sprint(m.Etcd.Revision)
			}
			if a.Ahead {
				row[5] += "; dated in the future"
			}
			if a.Node != "" {
				row[6] = a.Node + ":" + a.Path
			}
			rows = append(rows, row)
		}
		if len(rows) == 0 {
			fmt.Fprintln(w, "There is no archive.")
		} else if err := o.Table(nil, []string{"Taken", "Cluster", "Kubernetes", "Revision", "Bytes", "Sound", "Archive"}, rows); err != nil {
			return err
		}
		for _, p := range list.Unread {
			fmt.Fprintf(w, "Not looked at: %s: %s\n", strings.TrimPrefix(p.Node+":"+p.Place, ":"), p.Error)
		}
		return nil
	})
}

func soundness(a bootstrap.KeptArchive) string {
	switch {
	case a.Error != "":
		return "no: " + a.Error
	case a.Whole:
		return "yes"
	}
	return "not cut off"
}
