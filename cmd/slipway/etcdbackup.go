package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/spec"
)

func newEtcdBackup() *cobra.Command {
	var flags clusterFlags
	var objects objectFlags
	var recipients, recipientFiles []string
	var force bool
	var keep int
	cmd := &cobra.Command{
		Use:   "backup [PATH]",
		Short: "Make an archive that the cluster can be made again from",
		Long: `Backup writes one file, mode 0600, whole or not at all, with all that it takes to make the cluster again: a snapshot of
etcd, the cluster's declaration, and the authorities and keys without which the snapshot is no use. A snapshot alone is not
enough: Secrets are encrypted in etcd, with a key that lies on the control planes and in your state directory only.

The authorities and keys in it are sealed to the recipients that you name, or else to those of the backup block in the cluster's
file: age keys (age1…, made by age-keygen), or the public halves of SSH keys of type ed25519 or RSA. Whoever has the archive and the private half of one of them, the identity, has the
cluster. Keep identities away from archives, and more than one of them: an archive whose identities are lost gives back the
data only as long as a control plane or the state directory is left. The snapshot itself is compressed and not encrypted:
Secrets in it are, as they are in etcd; ConfigMaps and all else can be read by whoever gets the file.

It is taken from a follower of etcd if there is one, over SSH, and changes nothing. PATH is a file, or a folder to put one into, or
s3://BUCKET/PREFIX for an object store, which is read back before it counts; without PATH the archive goes to the folder "backups" in
the state directory. slipway etcd verify proves what was made. A backup block in the cluster's file has the control planes
make archives by themselves.

With --keep the oldest archives of this cluster in that folder or under that prefix are deleted afterwards. Only archives that are whole count, and only such
are deleted: damaged ones, other clusters' and other files are never touched.`,
		Example: `  slipway etcd backup -f cluster.hcl
  slipway etcd backup -f cluster.hcl --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
  slipway etcd backup -f cluster.hcl --recipients-file ~/.ssh/id_ed25519.pub /mnt/backups/
  slipway etcd backup -f cluster.hcl --recipients-file recipients s3://archives/prod --s3-endpoint s3.example.com --s3-credentials s3-credentials`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := output(cmd)
			if err != nil {
				return err
			}
			if keep < 0 || keep == 0 && cmd.Flags().Changed("keep") {
				return &exitError{exitSpec, fmt.Errorf("--keep is %d: at least one archive must be kept", keep)}
			}
			how := bootstrap.BackingUp{Force: force, Keep: keep, Slipway: thisVersion(nil).Version}
			if how.Recipients, err = readRecipients(recipients, recipientFiles); err != nil {
				return &exitError{exitSpec, err}
			}
			if len(args) > 0 {
				var ok bool
				if how.Store, ok, err = objects.bucket(args[0]); err != nil {
					return err
				}
				if !ok {
					how.Path = args[0]
				}
				if ok && force {
					return &exitError{exitSpec, errors.New("--force replaces files: in an object store every archive gets a name of its own")}
				}
			}
			c, here, err := flags.which(cmd)
			if err != nil {
				return err
			}
			if len(how.Recipients) == 0 {
				if how.Recipients, err = declaredRecipients(c); err != nil {
					return &exitError{exitSpec, err}
				}
			}
			var made *bootstrap.BackedUp
			_, err = followOn(o, c, flags.timeout, "backup", true, viewHere(here), func(r *bootstrap.Run) (err error) {
				made, err = r.Backup(cmd.Context(), how)
				return err
			})
			if err != nil {
				return err
			}
			return o.Value(made, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s\n%d bytes, cluster %s as of %s, revision %d, from %s\n", made.Path, made.Bytes,
					made.Manifest.Cluster.Name, made.Manifest.Taken.Local().Format("2006-01-02 15:04:05 MST"), made.Manifest.Etcd.Revision, made.Manifest.Node)
				for _, path := range made.Deleted {
					fmt.Fprintf(w, "deleted %s\n", path)
				}
				if made.Kept != "" {
					fmt.Fprintln(w, made.Kept)
				}
				return err
			})
		},
	}
	flags.add(cmd)
	objects.add(cmd)
	cmd.Flags().StringArrayVar(&recipients, "recipient", nil, "seal the keys to this age or SSH public key; may be given more than once")
	cmd.Flags().StringArrayVar(&recipientFiles, "recipients-file", nil, "seal the keys to those in a file, one a line")
	cmd.Flags().BoolVar(&force, "force", false, "replace PATH if it is there already")
	cmd.Flags().IntVar(&keep, "keep", 0, "then delete the cluster's oldest archives in the archive's folder, leaving this many")
	return cmd
}

// declaredRecipients are those of the file's backup block, which are wanted where no flag names any.
func declaredRecipients(c *spec.Cluster) (out []archive.Recipient, err error) {
	if c.Backup == nil {
		return nil, errors.New("name at least one recipient, with --recipient age1…, --recipients-file, or in the backup block of the cluster's file: the archive holds the cluster's keys, which are sealed to them")
	}
	for _, text := range c.Backup.Recipients {
		r, err := archive.ParseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("recipients of the backup block: %w", err)
		}
		out = append(out, r)
	}
	return out, nil
}

// readRecipients gathers those of the flags.
func readRecipients(texts, files []string) ([]archive.Recipient, error) {
	var out []archive.Recipient
	for _, text := range texts {
		r, err := archive.ParseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("--recipient: %w", err)
		}
		out = append(out, r)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--recipients-file: %w", err)
		}
		found, err := archive.ParseRecipients(string(text))
		if err != nil {
			return nil, fmt.Errorf("--recipients-file %s: %w", file, err)
		}
		out = append(out, found...)
	}
	return out, nil
}
