//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway/slipway/bootstrap"
	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/proof"
)

// newNodeBackup is what the timer slipway-backup starts on every control plane.
func newNodeBackup() *cobra.Command {
	return turnVerb("backup", "Make an archive, if the schedule says so and it is this machine's turn", func(ctx context.Context) (*backup.Turn, error) {
		return bootstrap.BackUpHere(ctx, thisVersion(nil).Version)
	})
}

// newNodeVerify is what the timer slipway-verify starts on every control plane.
func newNodeVerify() *cobra.Command {
	return turnVerb("verify", "Prove the newest archive, if the schedule says so and it is this machine's turn", func(ctx context.Context) (*backup.Turn, error) {
		return bootstrap.VerifyHere(ctx, proveHere)
	})
}

// proveHere proves an archive with the programs that the machine runs itself, and reads its Secrets with the machine's own keys: those in
// the archive are sealed to others. It unpacks beside the archive, in a folder that is gone with it.
func proveHere(ctx context.Context, path string, keys map[string][]byte) (backup.Proof, error) {
	report, err := proof.Prove(ctx, proof.Options{Path: path, Keys: keys, Programs: layout.Programs, Temp: filepath.Dir(path)})
	if err != nil {
		return backup.Proof{}, err
	}
	if !report.Restored {
		return backup.Proof{Open: report.Open}, fmt.Errorf("%w: %s: the next archive will be of the version that runs here; slipway etcd verify proves this one with its own bundle",
			backup.ErrNotTried, strings.Join(report.Open, "; "))
	}
	return backup.Proof{Found: report.Found(), Open: report.Open}, nil
}

// turnVerb prints what came of the turn, for the machine's journal.
func turnVerb(use, short string, work func(context.Context) (*backup.Turn, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			turn, err := work(cmd.Context())
			if turn == nil {
				if err == nil {
					cmd.Println("nothing to do: it was done elsewhere since the schedule came round")
				}
				return err
			}
			if told := json.NewEncoder(cmd.OutOrStdout()).Encode(turn); err == nil {
				return told
			}
			return err
		},
	}
}
