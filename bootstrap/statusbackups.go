package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/status"
)

// statusBackups tells what became of the archives that the control planes make by themselves. It is kept in etcd, and on each machine
// what it did itself, for when etcd could not be told.
func (r *Run) statusBackups(ctx context.Context, s *status.Status) {
	if r.Cluster.Backup == nil {
		return
	}
	seen := backupsSeen{block: *r.Cluster.Backup, now: time.Now()}
	var mu sync.Mutex
	_ = each(r.controlPlanes(), func(m *machine) error { // machines and members that do not answer are told of already
		units, asked := r.backupUnits(ctx, m)
		since := r.settledSince(ctx, m)
		mu.Lock()
		if asked {
			seen.units = append(seen.units, nodeUnits{m.node.Name, units})
		}
		if since.After(seen.since) {
			seen.since = since
		}
		mu.Unlock()
		for _, read := range []func(context.Context, *machine) (backup.History, error){r.historyInEtcd, r.historyOn} {
			h, err := read(ctx, m)
			mu.Lock()
			if err == nil {
				seen.history.Merge(h)
			}
			mu.Unlock()
		}
		return nil
	})
	seen.next = func(schedule string, since time.Time) (time.Time, error) { return r.comesRound(ctx, schedule, since) }
	s.Backups = seen.status()
	s.Problems = append(s.Problems, seen.problems()...)
}

// backupUnits are the states of the units that make archives, as systemd calls them, by name: none where it says nothing. False where the
// machine cannot be asked.
func (r *Run) backupUnits(ctx context.Context, m *machine) (map[string]string, bool) {
	if m.host == nil {
		return nil, false
	}
	var names []string
	for _, t := range turnUnits(*r.Cluster.Backup) {
		names = append(names, t.unit+".timer", t.unit+".service")
	}
	var said bytes.Buffer
	err := m.host.Run(ctx, host.Command{Args: append([]string{"systemctl", "is-active"}, names...), Stdout: &said})
	var one *host.RunError // of units that are not active the exit status tells, too
	if err != nil && !errors.As(err, &one) {
		return nil, false // the machine was lost meanwhile, which others tell
	}
	states := map[string]string{}
	for i, state := range strings.Fields(said.String()) {
		if i < len(names) {
			states[names[i]] = state
		}
	}
	return states, true
}

// settledSince is when what the machine makes archives by was last written; zero where that cannot be found out. What came round before
// that was perhaps no time for one.
func (r *Run) settledSince(ctx context.Context, m *machine) time.Time {
	if m.host == nil {
		return time.Time{}
	}
	var said bytes.Buffer
	if err := m.host.Run(ctx, host.Command{Args: []string{"stat", "-c", "%Y", backup.SettingsPath}, Stdout: &said}); err != nil {
		return time.Time{}
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(said.String()), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// comesRound is when a schedule comes round after a time, as the first control plane that can be asked understands it; zero for never.
func (r *Run) comesRound(ctx context.Context, schedule string, since time.Time) (time.Time, error) {
	err := errUnreached
	for _, m := range r.controlPlanes() {
		if m.host == nil {
			continue
		}
		var said bytes.Buffer
		if err = m.host.Run(ctx, host.Command{Args: backup.CalendarQuestion(schedule, since), Stdout: &said}); err == nil {
			return backup.CalendarAnswer(said.String())
		}
	}
	return time.Time{}, err
}

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
