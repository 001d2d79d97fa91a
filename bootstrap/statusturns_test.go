package bootstrap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/spec"
)

// TestStatusOfBackups: whatever keeps backups from being made is told, whether anything has failed or not, and nothing else is.
func TestStatusOfBackups(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	ago := func(hours int) *backup.Turn {
		return &backup.Turn{Node: "cp-2", Archive: "x.slipway", Began: now.Add(-time.Duration(hours) * time.Hour)}
	}
	failed := func(hours int, against bool) *backup.Turn {
		f := ago(hours)
		f.Error, f.Against = "no route to host", against
		return f
	}
	kept := ago(10)
	kept.Kept = []string{"s3://archives/: no archive is deleted: because"}
	well := map[string]string{"slipway-backup.timer": "active", "slipway-verify.timer": "active", "slipway-backup.service": "inactive", "slipway-verify.service": "inactive"}
	but := func(unit, state string) map[string]string {
		out := map[string]string{unit: state}
		for k, v := range well {
			if k != unit {
				out[k] = v
			}
		}
		return out
	}
	for name, c := range map[string]struct {
		history  backup.History
		units    map[string]string
		unproven bool
		since    int      // hours ago
		want     []string // what the problems say
	}{
		"all is well":                    {history: backup.History{Made: ago(10), Proven: ago(20)}, units: well},
		"the block is new":               {units: well, since: 1},
		"the first is overdue":           {units: well, since: 40, want: []string{"there is no backup yet, and it was time for one at"}},
		"the schedule is new":            {history: backup.History{Made: ago(900), Proven: ago(901)}, units: well, since: 1},
		"backups have stopped":           {history: backup.History{Made: ago(60), Proven: ago(20)}, units: well, since: 1000, want: []string{"the last backup is of"}},
		"proofs have stopped":            {history: backup.History{Made: ago(10), Proven: ago(60)}, units: well, since: 1000, want: []string{"the last proof of an archive is of"}},
		"a turn may take a while":        {history: backup.History{Made: ago(25), Proven: ago(20)}, units: well},
		"a timer is off":                 {history: backup.History{Made: ago(10), Proven: ago(20)}, units: but("slipway-backup.timer", "inactive"), want: []string{"its timer slipway-backup.timer does not run"}},
		"the other timer is off":         {history: backup.History{Made: ago(10), Proven: ago(20)}, units: but("slipway-verify.timer", "inactive"), want: []string{"its timer slipway-verify.timer does not run"}},
		"nothing is to be proven":        {history: backup.History{Made: ago(10)}, units: but("slipway-verify.timer", "inactive"), unproven: true, since: 1000},
		"a service failed":               {history: backup.History{Made: ago(10), Proven: ago(20)}, units: but("slipway-backup.service", "failed"), want: []string{"its service slipway-backup.service failed"}},
		"a proof's failed":               {history: backup.History{Made: ago(10), Proven: ago(20)}, units: but("slipway-verify.service", "failed"), want: []string{"its service slipway-verify.service failed"}},
		"systemd says nothing":           {history: backup.History{Made: ago(10), Proven: ago(20)}, want: []string{"its timer slipway-backup.timer", "its timer slipway-verify.timer"}},
		"a turn failed there":            {history: backup.History{Made: ago(10), Proven: ago(20), MakeFailed: failed(9, false)}, units: but("slipway-backup.service", "failed"), want: []string{"the last backup failed"}},
		"it failed, and then none came":  {history: backup.History{Made: ago(80), Proven: ago(20), MakeFailed: failed(60, false)}, units: well, want: []string{"the last backup failed", "the last backup is of"}},
		"a proof failed":                 {history: backup.History{Made: ago(10), Proven: ago(20), ProofFailed: failed(9, true)}, units: well, want: []string{"the last proof of an archive failed"}},
		"a clock was ahead":              {history: backup.History{Made: ago(-500), Proven: ago(20)}, units: well, want: []string{"the last backup is dated in the future"}},
		"it failed after the clock was":  {history: backup.History{Made: ago(-500), Proven: ago(20), MakeFailed: failed(9, false)}, units: well, want: []string{"the last backup failed", "the last backup is dated in the future"}},
		"older archives were kept":       {history: backup.History{Made: kept, Proven: ago(20)}, units: well, want: []string{"left more archives than are to be kept: s3://archives/"}},
		"it failed before one went well": {history: backup.History{Made: ago(10), Proven: ago(20), MakeFailed: failed(11, false)}, units: well},
	} {
		t.Run(name, func(t *testing.T) {
			s := backupsSeen{
				block: spec.Backup{Schedule: "daily", Verify: "daily"}, history: c.history, now: now, units: []nodeUnits{{"cp-2", c.units}},
				next: func(_ string, since time.Time) (time.Time, error) { return since.Add(24 * time.Hour), nil },
			}
			if c.unproven {
				s.block.Verify = ""
			}
			if c.since > 0 {
				s.since = now.Add(-time.Duration(c.since) * time.Hour)
			}
			got := s.problems()
			for i, p := range got {
				if i >= len(c.want) || !strings.Contains(p.What, c.want[i]) || p.Remedy == "" {
					t.Errorf("%+v", p)
				}
			}
			if len(got) < len(c.want) {
				t.Errorf("%+v, want %q", got, c.want)
			}
		})
	}
}

// TestWhatEndsBeforeTheTurnIsKept: a machine that comes to no turn leaves word of it, under its own name, as of a turn that failed.
func TestWhatEndsBeforeTheTurnIsKept(t *testing.T) {
	never := func(*backup.Maker) (*backup.Turn, error) {
		t.Error("the turn was taken")
		return nil, nil
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ settings, node, want string }{
		"another version": {`{"version": 99, "node": "cp-7"}`, "cp-7", "version 99"},
		"no settings":     {`{`, hostname, "backup.json"},
		"no keys":         {`{"version": 1, "node": "cp-7"}`, "cp-7", "/etc/kubernetes/pki"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := turnFiles{settings: filepath.Join(dir, "backup.json"), history: filepath.Join(dir, "state", "last.json")}
			if err := os.WriteFile(f.settings, []byte(c.settings), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []backup.Kind{backup.Making, backup.Proving} {
				turn, err := f.inTurn(t.Context(), kind, never)
				if err == nil || !strings.Contains(err.Error(), c.want) || turn == nil || turn.Error != err.Error() {
					t.Errorf("%+v, %v", turn, err)
				}
			}
			text, err := os.ReadFile(f.history)
			if err != nil {
				t.Fatal(err)
			}
			h, err := backup.DecodeHistory(text)
			if err != nil || h.Made != nil || h.Proven != nil || h.MakeFailed == nil || h.ProofFailed == nil {
				t.Fatalf("%+v, %v", h, err)
			}
			if h.MakeFailed.Node != c.node || h.ProofFailed.Node != c.node || h.ProofFailed.Against || !strings.Contains(h.MakeFailed.Error, c.want) {
				t.Errorf("%+v, %+v", h.MakeFailed, h.ProofFailed)
			}
		})
	}
	gone := turnFiles{settings: filepath.Join(t.TempDir(), "backup.json"), history: filepath.Join(t.TempDir(), "last.json")}
	if turn, err := gone.inTurn(t.Context(), backup.Making, never); turn != nil || err == nil {
		t.Errorf("a machine that makes no archives: %+v, %v", turn, err)
	}
}
