package bootstrap

import (
	"context"
	"errors"
	"strings"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
)

// suspect raises the alarm CORRUPT, as a member does that finds its data to differ from the others'.
func (l *etcdLab) suspect(ctx context.Context) {
	l.t.Helper()
	by := l.running["cp-1"].Server
	if _, err := by.Alarm(ctx, &etcdserverpb.AlarmRequest{MemberID: uint64(by.MemberID()), Action: etcdserverpb.AlarmRequest_ACTIVATE, Alarm: etcdserverpb.AlarmType_CORRUPT}); err != nil {
		l.t.Fatal(err)
	}
}

// doubts takes CORRUPT back where all members were compared, and hold the same.
func (l *etcdLab) doubts(ctx context.Context) {
	l.suspect(ctx)
	if were, err := l.on().DisarmEtcd(ctx, false); err != nil || len(were) != 1 || were[0].Kind != corrupt {
		l.t.Errorf("%+v, %v", were, err)
	}
	if left, err := l.on().EtcdAlarms(ctx); err != nil || len(left) != 0 {
		l.t.Errorf("%+v, %v", left, err)
	}
}

// doubtsOf does not take it back as long as one is away, which may be the one that differs; unless forced.
func (l *etcdLab) doubtsOf(ctx context.Context, away string) {
	l.suspect(ctx)
	var differs *CorruptError
	_, err := l.on().DisarmEtcd(ctx, false)
	if !errors.As(err, &differs) || !strings.Contains(err.Error(), "data of "+away+" was not compared") || !strings.Contains(differs.Remedy(), "bring "+away+" back") {
		l.t.Errorf("taken back without %s: %v", away, err)
	}
	if left, err := l.on().EtcdAlarms(ctx); err != nil || len(left) != 1 {
		l.t.Errorf("%+v, %v", left, err)
	}
	if were, err := l.on().DisarmEtcd(ctx, true); err != nil || len(were) != 1 {
		l.t.Errorf("forced: %+v, %v", were, err)
	}
}
