//go:build linux

package main

import (
	"context"
	"encoding/json"
	"path/filepath"

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

// newNodeVerify is what the timer slipway-verify starts on every control plane. The programs are those that the machine runs itself.
func newNodeVerify() *cobra.Command {
	return turnVerb("verify", "Prove the newest archive, if the schedule says so and it is this machine's turn", func(ctx context.Context) (*backup.Turn, error) {
		return bootstrap.VerifyHere(ctx, func(ctx context.Context, path string) ([]string, error) {
			report, err := proof.Prove(ctx, proof.Options{Path: path, Programs: layout.Programs, Temp: filepath.Dir(backup.HistoryPath)})
			if err != nil {
				return nil, err
			}
			return report.Open, nil
		})
	})
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
