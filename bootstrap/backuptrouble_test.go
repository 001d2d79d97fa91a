package bootstrap

import (
	"context"
	"os"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/store/storetest"
)

// waitsForTheDead: whoever holds the turn and is not heard from any more loses it to the next.
func (l *etcdLab) waitsForTheDead(m *backup.Maker) {
	t, ctx := l.t, context.Background()
	lease, err := l.api().Grant(ctx, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.api().Put(ctx, "/slipway/backup/turn/dead", "", clientv3.WithLease(lease.ID)); err != nil {
		t.Fatal(err)
	}
	m.Due = sinceNow()
	if turn, err := m.Make(ctx); err != nil || turn == nil {
		t.Errorf("%+v, %v", turn, err)
	}
	if left, err := l.api().Get(ctx, "/slipway/backup/turn", clientv3.WithPrefix()); err != nil || len(left.Kvs) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
}

// starves: where there is no room beside etcd's data nothing is written, and that is a turn that failed.
func (l *etcdLab) starves(m *backup.Maker) {
	t := l.t
	m.Due = sinceNow()
	m.Free = func(string) (int64, error) { return 1 << 20, nil }
	turn, err := m.Make(context.Background())
	if err == nil || turn == nil || !strings.Contains(turn.Error, "no room for a backup") || len(turn.Places) > 0 {
		t.Errorf("%+v, %v", turn, err)
	}
	if s := l.backups(); len(s.Problems) != 1 || !strings.Contains(s.Problems[0].What, "no room for a backup") {
		t.Errorf("%+v", s.Problems)
	}
	m.Free = backup.Free
	if turn, err := m.Make(context.Background()); err != nil || turn == nil {
		t.Errorf("once there is room: %+v, %v", turn, err)
	}
}

// forgets: where what the cluster remembers cannot be read, an archive is made all the same, and none deleted that may be the one that was
// proven; from then on it is remembered again.
func (l *etcdLab) forgets(m *backup.Maker) {
	t := l.t
	if _, err := l.api().Put(context.Background(), "/slipway/backup/last", "{"); err != nil {
		t.Fatal(err)
	}
	for _, kept := range []int{2, 0} {
		m.Due = sinceNow()
		turn, err := m.Make(context.Background())
		if err != nil || turn == nil || len(turn.Places) != 2 || len(turn.Kept) != kept || (len(turn.Deleted) == 0) != (kept > 0) {
			t.Fatalf("%+v, %v", turn, err)
		}
		if s := l.backups(); s.Backups.Made == nil || s.Backups.Made.Archive != turn.Archive {
			t.Errorf("%+v", s.Backups)
		}
	}
}

// fails: without the object store the directory has the archive all the same, and every machine tries before the turn has failed.
func (l *etcdLab) fails(makers []*backup.Maker, server *storetest.Server) {
	t, due := l.t, sinceNow()
	away := server.Bucket
	away.Endpoint = "127.0.0.1:1"
	for _, m := range makers {
		m.Due, m.Settings.Bucket = due, &away
	}
	turns, err := round(t, makers, makeOne)
	if err == nil || len(turns) != 3 || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), server.Secret) {
		t.Fatalf("%+v, %v", turns, err)
	}
	for _, turn := range turns {
		if len(turn.Places) != 1 || turn.Error == "" {
			t.Errorf("%+v", turn)
		}
	}
	s := l.backups()
	if s.Backups.MakeFailed == nil || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].What, "the last backup failed") {
		t.Errorf("%+v, %+v", s.Backups, s.Problems)
	}
	// The machine itself keeps it, too: etcd may be what is wrong.
	text, err := os.ReadFile(makers[0].History)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := backup.DecodeHistory(text); err != nil || h.MakeFailed == nil || h.MakeFailed.Node != makers[0].Settings.Node {
		t.Errorf("%+v, %v", h, err)
	}
	for _, m := range makers {
		m.Settings.Bucket = &server.Bucket
	}
	if turns, err = round(t, makers, makeOne); err != nil || len(turns) != 1 {
		t.Fatalf("%+v, %v", turns, err)
	}
	if s := l.backups(); len(s.Problems) > 0 {
		t.Errorf("%+v", s.Problems)
	}
}
