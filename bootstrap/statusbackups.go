package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/status"
)

// statusBackups tells what became of the archives that the control planes make by themselves. It is kept in etcd, and on each machine
// what it did itself, for when etcd could not be told.
func (r *Run) statusBackups(ctx context.Context, s *status.Status) {
	b := r.Cluster.Backup
	if b == nil {
		return
	}
	var mu sync.Mutex
	var all backup.History
	_ = each(r.controlPlanes(), func(m *machine) error { // machines and members that do not answer are told of already
		if why := r.timerStopped(ctx, m); why != nil {
			mu.Lock()
			s.Problems = append(s.Problems, *why)
			mu.Unlock()
		}
		for _, read := range []func(context.Context, *machine) (backup.History, error){r.historyInEtcd, r.historyOn} {
			h, err := read(ctx, m)
			mu.Lock()
			if err == nil {
				all.Merge(h)
			}
			mu.Unlock()
		}
		return nil
	})
	out := &status.Backups{
		Schedule: b.Schedule, Verify: b.Verify,
		Made: turn(all.Made), MakeFailed: turn(all.MakeFailed), Proven: turn(all.Proven), ProofFailed: turn(all.ProofFailed),
	}
	s.Backups = out
	for _, p := range []struct {
		what, unit   string
		good, failed *status.Turn
	}{{"the last backup failed", "slipway-backup", out.Made, out.MakeFailed}, {"the last proof of an archive failed", "slipway-verify", out.Proven, out.ProofFailed}} {
		if p.failed.Since(p.good) {
			s.Problems = append(s.Problems, status.Problem{
				Node: p.failed.Node, What: fmt.Sprintf("%s, at %s: %s", p.what, p.failed.Began.Local().Format(time.DateTime), p.failed.Error),
				Remedy: "when it is mended, the next turn makes up for it; systemctl start " + p.unit + ".service on a control plane takes it at once",
			})
		}
	}
}

// timerStopped is the problem that the machine's timer for archives does not run; nil where it does, and where the machine cannot be asked.
func (r *Run) timerStopped(ctx context.Context, m *machine) *status.Problem {
	if m.host == nil {
		return nil
	}
	err := m.host.Run(ctx, host.Command{Args: []string{"systemctl", "is-active", "--quiet", backupTimer}})
	var failed *host.RunError
	if !errors.As(err, &failed) {
		return nil // it runs, or the machine was lost meanwhile, which others tell
	}
	return &status.Problem{
		Node: m.node.Name, What: "its timer " + backupTimer + " does not run: it makes no backups",
		Remedy: "slipway apply puts it there and starts it",
	}
}

const backupTimer = "slipway-backup.timer"

func (r *Run) historyInEtcd(ctx context.Context, m *machine) (backup.History, error) {
	if m.host == nil && !r.elsewhere(m) {
		return backup.History{}, errUnreached
	}
	client, err := r.memberOf(m)
	if err != nil {
		return backup.History{}, err
	}
	defer client.Close()
	return backup.Recall(ctx, client)
}

func (r *Run) historyOn(ctx context.Context, m *machine) (backup.History, error) {
	if m.host == nil {
		return backup.History{}, errUnreached
	}
	files, err := fetch(ctx, m, []string{backup.HistoryPath})
	if err != nil {
		return backup.History{}, err
	}
	return backup.DecodeHistory(files[backup.HistoryPath])
}

func turn(t *backup.Turn) *status.Turn {
	if t == nil {
		return nil
	}
	return &status.Turn{
		Node: t.Node, Began: t.Began, Ahead: t.Ahead(time.Now()), Seconds: t.Seconds, Archive: t.Archive, Places: t.Places, Bytes: t.Bytes, Revision: t.Revision, Kept: t.Kept, Open: t.Open, Error: t.Error,
	}
}
