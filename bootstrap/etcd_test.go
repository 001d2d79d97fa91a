package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/slipway/slipway/internal/status"
)

// TestEtcdVerbs goes through the verbs on a real etcd of three members, on the machine of one of them.
func TestEtcdVerbs(t *testing.T) {
	l, ctx := newEtcdLab(t, 16<<20), context.Background()
	if err := l.write(40); err != nil {
		t.Fatal(err)
	}
	events, err := l.api().Grant(ctx, 3600) // as API servers keep Events
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.api().Put(ctx, "/registry/events/x", "x", clientv3.WithLease(events.ID)); err != nil {
		t.Fatal(err)
	}
	s, err := l.on().EtcdStatus(ctx, EtcdLook{Disks: true, Data: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.Health != status.Healthy || s.Voters != 3 || s.Voting != 3 || s.Quorum != 2 || s.Tolerates != 1 || !s.Compared.Agree || s.Compared.Members != 3 || s.Members[0].Fsync == nil || s.Members[1].Quota != 16<<20 {
		t.Errorf("%+v, %+v", s, s.Compared)
	}

	taken, err := l.on().SnapshotEtcd(ctx, Snapshotting{})
	if err != nil {
		t.Fatal(err)
	}
	is, err := os.Stat(taken.Path)
	if err != nil || is.Mode().Perm() != 0o600 || is.Size() != taken.Bytes || !taken.Compared || !taken.Quorum || taken.Revision < 40 {
		t.Errorf("%+v, %v, %v", taken, is, err)
	}
	if _, err := l.on().SnapshotEtcd(ctx, Snapshotting{Path: taken.Path}); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a snapshot replaced another: %v", err)
	}
	if again, err := l.on().SnapshotEtcd(ctx, Snapshotting{Path: taken.Path, Force: true}); err != nil || !again.Compared {
		t.Errorf("%+v, %v", again, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(taken.Path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	if done, err := l.on().DefragmentEtcd(ctx, Defragmenting{Threshold: 0.3, Least: 100 << 20}); err != nil || len(done) != 3 || done[0].Skipped == "" {
		t.Errorf("not worth it, and done: %+v, %v", done, err)
	}
	if kept := l.before(beforeDefrag); len(kept) > 0 {
		t.Errorf("nothing was rewritten, and kept before is %v", kept)
	}
	l.fills(ctx)
	l.keeps(ctx)
	l.doubts(ctx)
	l.loses(ctx)
}

// fills lets etcd run out of space, and recovers it.
func (l *etcdLab) fills(ctx context.Context) {
	t := l.t
	if err := l.write(1000); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Fatalf("wrote beyond the quota: %v", err)
	}
	s, err := l.on().EtcdStatus(ctx, EtcdLook{})
	if err != nil || s.Health != status.Degraded || !strings.Contains(fmt.Sprint(s.Problems), "alarm NOSPACE") {
		t.Fatalf("%+v, %v", s, err)
	}
	if alarms, err := l.on().EtcdAlarms(ctx); err != nil || len(alarms) == 0 || alarms[0].Kind != nospace {
		t.Fatalf("%+v, %v", alarms, err)
	}
	done, err := l.on().RecoverSpace(ctx, false)
	if err != nil || len(done) != 3 {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, d := range done {
		if d.Freed < 8<<20 || d.After > 4<<20 {
			t.Errorf("%+v", d)
		}
	}
	if alarms, err := l.on().EtcdAlarms(ctx); err != nil || len(alarms) != 0 {
		t.Errorf("%+v, %v", alarms, err)
	}
	l.keptOne(beforeSpace)
	if kept := l.before(beforeDefrag); len(kept) > 0 {
		t.Errorf("one act took two snapshots: %v", kept)
	}
	if err := l.write(1); err != nil {
		t.Error(err)
	}
	if s, err = l.on().EtcdStatus(ctx, EtcdLook{Data: true}); err != nil || s.Health != status.Healthy || !s.Compared.Agree {
		t.Errorf("%+v, %v", s, err)
	}
}

// loses takes members away, one after the other.
func (l *etcdLab) loses(ctx context.Context) {
	t := l.t
	var healthy *HealthyError
	if _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-3"}); !errors.As(err, &healthy) {
		t.Errorf("a healthy member was removed: %v", err)
	}
	var unknown *MemberError
	if _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-9"}); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "cp-1 (") {
		t.Errorf("%v", err)
	}
	l.stop("cp-3")
	l.doubtsOf(ctx, "cp-3")
	var sick *SickError
	if _, err := l.on().DefragmentEtcd(ctx, Defragmenting{All: true}); !errors.As(err, &sick) || sick.Node() != "cp-3" {
		t.Errorf("defragmented without cp-3: %v", err)
	}
	// Those that remain would be two voters of which one is healthy.
	var majority *MajorityError
	if _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-2", Force: true}); !errors.As(err, &majority) {
		t.Errorf("cp-2 was removed beside a dead one: %v", err)
	}
	r := l.on()
	q, err := r.openEtcd(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.Here = "" // as if with a file: no API has to be told
	if out, err := r.removeMemberOf(ctx, q, Removing{Member: "cp-3"}); err != nil || out.Snapshot != l.keptOne(beforeRemove) {
		t.Fatalf("%+v, %v", out, err)
	}
	s, err := l.on().EtcdStatus(ctx, EtcdLook{})
	if err != nil || s.Voters != 2 || s.Voting != 2 || s.Tolerates != 0 || !strings.Contains(fmt.Sprint(s.Problems), "no member of etcd") {
		t.Errorf("%+v, %v", s, err)
	}
	l.stop("cp-2")
	if s, err = l.on().EtcdStatus(ctx, EtcdLook{Data: true}); err != nil || s.Health != status.Down || s.Voting != 0 || s.Voters != 2 || s.KnownFrom != "cp-1" {
		t.Errorf("%+v, %v", s, err)
	}
	if text := fmt.Sprint(s.Problems); !strings.Contains(text, "bring back cp-2: ") || strings.Contains(text, "slipway etcd remove") {
		t.Errorf("what to do without quorum: %s", text)
	}
	var lost *QuorumError
	for name, do := range map[string]func() error{
		"remove":  func() error { _, err := l.on().RemoveEtcdMember(ctx, Removing{Member: "cp-2"}); return err },
		"defrag":  func() error { _, err := l.on().DefragmentEtcd(ctx, Defragmenting{All: true}); return err },
		"recover": func() error { _, err := l.on().RecoverSpace(ctx, false); return err },
		"alarms":  func() error { _, err := l.on().EtcdAlarms(ctx); return err },
	} {
		if err := do(); !errors.As(err, &lost) || !strings.Contains(err.Error(), "1 of 2 members answer, and 2 must") {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.keepsNothing(ctx)
	taken, err := l.on().SnapshotEtcd(ctx, Snapshotting{Path: filepath.Join(t.TempDir(), "last.db")})
	if err != nil || taken.Quorum || taken.Member != "cp-1" || !taken.Compared {
		t.Errorf("%+v, %v", taken, err)
	}
}
