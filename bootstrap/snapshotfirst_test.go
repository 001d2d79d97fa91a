package bootstrap

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/plan"
)

// before are the snapshots that were taken before that.
func (l *etcdLab) before(what string) []string {
	found, err := filepath.Glob(filepath.Join(l.cluster.StateDir, "snapshots", "*-before-"+what+".db"))
	if err != nil {
		l.t.Fatal(err)
	}
	return found
}

// keptOne is the only one that was taken before that: whole, and nobody else's to read.
func (l *etcdLab) keptOne(what string) string {
	l.t.Helper()
	found := l.before(what)
	if len(found) != 1 {
		l.t.Fatalf("taken before %s: %v", what, found)
	}
	file, err := os.Stat(found[0])
	if err != nil || file.Mode().Perm() != 0o600 || !isWhole(found[0]) {
		l.t.Errorf("%s: %v, %v", found[0], file, err)
	}
	if dir, err := os.Stat(filepath.Dir(found[0])); err != nil || dir.Mode().Perm() != 0o700 {
		l.t.Errorf("%v, %v", dir, err)
	}
	return found[0]
}

// keeps takes a snapshot before members are rewritten, or others, and one only within a run.
func (l *etcdLab) keeps(ctx context.Context) {
	t := l.t
	if _, err := l.on().DefragmentEtcd(ctx, Defragmenting{All: true, NoSnapshot: true}); err != nil || len(l.before(beforeDefrag)) > 0 {
		t.Errorf("without: %v, %v", err, l.before(beforeDefrag))
	}
	r := l.on()
	if _, err := r.DefragmentEtcd(ctx, Defragmenting{All: true}); err != nil || r.Kept() != l.keptOne(beforeDefrag) {
		t.Errorf("%q, %v", r.Kept(), err)
	}
	if !told(r.Sink.(*log), event.Changed, r.Kept()) {
		t.Error("nobody was told where it is")
	}

	r = l.on()
	if _, err := r.openEtcd(ctx); err != nil {
		t.Fatal(err)
	}
	r.membership = turnover{members: members(1, 2, 3), healthy: voting(1, 2, 3)}
	if err := r.keepBeforeMembers(ctx); err != nil || r.kept != "" {
		t.Errorf("no member changes: %q, %v", r.kept, err)
	}
	r.membership.entering = map[string]string{"cp-4": "as a learner"}
	for range 2 {
		if err := r.keepBeforeMembers(ctx); err != nil || r.kept != l.keptOne(beforeMembers) {
			t.Errorf("%q, %v", r.kept, err)
		}
	}
	if path, err := r.snapshotFirst(ctx, beforeRestore); err != nil || path != r.kept || len(l.before(beforeRestore)) > 0 {
		t.Errorf("a second within one run: %q, %v", path, err)
	}
}

// keepsNothing goes on, and says so, where there is no quorum.
func (l *etcdLab) keepsNothing(ctx context.Context) {
	r := l.on()
	if _, err := r.openEtcd(ctx); err != nil {
		l.t.Fatal(err)
	}
	path, err := r.snapshotFirst(ctx, beforeRestore)
	if err != nil || path != "" || len(l.before(beforeRestore)) > 0 || !told(r.Sink.(*log), event.Warning, "no snapshot of etcd is taken before the change (restore), since no member has a quorum: cp-1") {
		l.t.Errorf("%q, %v, %+v", path, err, r.Sink.(*log).events)
	}
}

// told reports whether there was such an event with that in its message.
func told(l *log, kind event.Kind, part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Kind == kind && strings.Contains(e.Message, part) {
			return true
		}
	}
	return false
}

// TestSnapshotFirstWithoutMachines: where no control plane answers there is nobody to ask, and that is no error.
func TestSnapshotFirstWithoutMachines(t *testing.T) {
	r := newRun(t)
	r.Sink = &log{}
	path, err := r.snapshotFirst(t.Context(), beforeRestore)
	if err != nil || path != "" || !told(r.Sink.(*log), event.Warning, "no control plane of this cluster answers") {
		t.Errorf("%q, %v", path, err)
	}
}

// TestThePlanShowsTheSnapshot: first, and once, where members change, or the version, or both.
func TestThePlanShowsTheSnapshot(t *testing.T) {
	leaves := turnover{members: members(1, 2, 3), healthy: voting(1, 2, 3), gone: []*machine{plane(3)}}
	left := turnover{members: members(1, 2), healthy: voting(1, 2), gone: []*machine{plane(3)}}
	for name, test := range map[string]struct {
		members turnover
		rollout *rollout
		want    int
	}{
		"nothing of that":         {turnover{members: members(1)}, nil, 0},
		"a member leaves":         {leaves, nil, 1},
		"a member that left":      {left, nil, 0},
		"the version":             {turnover{}, &rollout{From: "1.35.4", To: "1.36.3"}, 1},
		"the version, on its way": {turnover{}, &rollout{From: "1.35.4", To: "1.36.3", Snapshot: "/s.db"}, 0},
		"both":                    {leaves, &rollout{From: "1.35.4", To: "1.36.3"}, 1},
	} {
		r := newRun(t)
		r.membership, r.rollout = test.members, test.rollout
		p := &plan.Plan{}
		if err := r.course(p); err != nil {
			t.Fatal(err)
		}
		shown := 0
		for _, s := range p.Course {
			if s.Name == "snapshot" {
				shown++
			}
		}
		if shown != test.want || shown > 0 && (p.Course[0].Name != "snapshot" || !strings.Contains(p.Course[0].Does, "taken first")) {
			t.Errorf("%s: %+v", name, p.Course)
		}
	}
}
