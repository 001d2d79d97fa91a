package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/proof"
	"github.com/slipway/slipway/internal/ui"
)

func newEtcdVerify() *cobra.Command {
	var identities []string
	var bundlePath, scratch string
	var objects objectFlags
	cmd := &cobra.Command{
		Use:   "verify ARCHIVE",
		Short: "Prove an archive by restoring it and reading every object back",
		Long: `Verify restores an archive into a scratch folder, runs the real etcd and the real kube-apiserver of its version over it, and reads
every object of every resource back; with --identity it decrypts every Secret. It compares the data with the hash that etcd itself
had of it when the archive was made, and the number of objects with that of the keys in etcd. No cluster is asked or touched.

It needs no root and no network: the scratch etcd answers on a socket in the scratch folder, the scratch API server on a port of
127.0.0.1 to one client, and it is kept from reaching anything. It needs a bundle of the archive's Kubernetes version for its
programs, a Linux machine of the bundle's kind, and room for three times the snapshot and 250 MB. An archive at s3://BUCKET/KEY is
fetched into the scratch folder first. All that it makes is deleted again, also after Ctrl-C; what a run that was killed left is deleted by the next one.

Exit code 0: proven, all of it. 1: the archive is not good, or the proof failed. 2: whatever was looked at is good, but not all
could be looked at, such as the keys without --identity; it says what is open.`,
		Example: `  slipway etcd verify prod-20261129T020000Z.slipway --identity ~/.config/slipway/backup.key
  slipway etcd verify prod-20261129T020000Z.slipway --identity ~/.ssh/id_ed25519 -o json
  slipway etcd verify s3://archives/prod/prod-20261129T020000Z.slipway --s3-endpoint s3.example.com --s3-credentials s3-credentials`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			how := proof.Options{Temp: scratch, FindBundle: bundleOf(bundlePath)}
			for _, file := range identities {
				found, err := archive.ReadIdentities(file)
				if err != nil {
					return &exitError{exitSpec, fmt.Errorf("--identity: %w", err)}
				}
				how.Identities = append(how.Identities, found...)
			}
			file, done, err := objects.fetched(cmd.Context(), args[0], scratch)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, done()) }()
			if _, err := os.Stat(file); err != nil {
				return &exitError{exitSpec, err}
			}
			how.Path = file
			feed := o.Follow(ui.Course{Title: "verify " + filepath.Base(args[0]), Query: true})
			how.Sink = feed
			report, err := proof.Prove(cmd.Context(), how)
			feed.Close()
			if err != nil {
				return err
			}
			report.Path = args[0]
			if err := o.Value(report, func(w io.Writer) error { return writeProof(o, w, report) }); err != nil {
				return err
			}
			if !report.Proven {
				return &exitError{code: exitChanges}
			}
			return nil
		},
	}
	objects.add(cmd)
	cmd.Flags().StringArrayVar(&identities, "identity", nil, "file with an age identity or an SSH private key that the archive is sealed to")
	cmd.Flags().StringVar(&bundlePath, "bundle", "", "the bundle of the archive's version; looked for in the working directory, in build and beside the program unless given")
	cmd.Flags().StringVar(&scratch, "scratch", "", "folder to unpack in, the system's for temporary files unless given")
	_ = cmd.MarkFlagFilename("identity") // fails only for a flag that does not exist
	return cmd
}

// bundleOf opens the bundle that the flag names, or else finds that of the version.
func bundleOf(path string) func(string) (*bundle.Bundle, error) {
	return func(version string) (*bundle.Bundle, error) {
		if path == "" {
			self, err := os.Executable()
			if err != nil {
				return nil, err
			}
			if path, err = bundle.Find(".", self, version); err != nil {
				return nil, err
			}
		}
		return bundle.Open(path)
	}
}

// writeProof shows a report to people.
func writeProof(o *ui.Output, w io.Writer, r *proof.Report) error {
	m := r.Manifest
	fmt.Fprintf(w, "%s\ncluster %s (%s), Kubernetes %s, etcd %s, taken %s (%s ago) from %s at revision %d\n",
		r.Path, m.Cluster.Name, m.Cluster.ID, m.Versions.Kubernetes, m.Versions.Etcd, m.Taken.Local().Format("2006-01-02 15:04:05 MST"),
		time.Duration(r.Age)*time.Second, m.Node, m.Etcd.Revision)
	fmt.Fprintf(w, "%d bytes, of which the snapshot unpacks to %d\n\n", r.Bytes, m.Snapshot.Size)
	rows := [][]string{}
	for _, s := range r.Steps {
		rows = append(rows, []string{s.What, fmt.Sprintf("%.1f s", s.Seconds), s.Found})
	}
	if err := o.Table(nil, []string{"Step", "Took", "Found"}, rows); err != nil {
		return err
	}
	if len(r.Resources) > 0 {
		fmt.Fprintln(w)
		rows = rows[:0]
		for _, c := range r.Resources {
			rows = append(rows, []string{c.Resource, fmt.Sprint(c.Objects)})
		}
		if err := o.Table(nil, []string{"Resource", "Objects"}, rows); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
	for _, open := range r.Open {
		fmt.Fprintln(w, "Not proven:", open)
	}
	verdict := "Proven"
	if !r.Proven {
		verdict = "Not all of it is proven; the rest holds"
	}
	_, err := fmt.Fprintf(w, "%s, in %.1f s.\n", verdict, r.Seconds)
	return err
}
