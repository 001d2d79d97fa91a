package bootstrap

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

const (
	nospace = "NOSPACE"
	corrupt = "CORRUPT"
)

func alarmRemedy(kind string) string {
	switch kind {
	case nospace:
		return "slipway etcd alarm recover makes room and takes it back"
	case corrupt:
		return "slipway etcd status compares the members' data; one that differs has to be replaced before slipway etcd alarm disarm"
	}
	return "slipway etcd alarm disarm takes it back once its cause is mended"
}

// alarms are those that members raised: of all, or, without quorum, of those that a member remembers, whose own they may not be.
func (q *membership) alarms(ctx context.Context) ([]etcd.Alarm, error) {
	if well := q.well(); q.hasQuorum() && len(well) > 0 {
		return well[0].client.Alarms(ctx)
	}
	var out []etcd.Alarm
	for _, e := range q.all {
		for _, kind := range []string{nospace, corrupt} {
			if strings.Contains(strings.Join(e.seen.Alarms, "\n"), "alarm:"+kind) {
				out = append(out, etcd.Alarm{Member: e.ID, Kind: kind})
			}
		}
	}
	return out, nil
}

// EtcdAlarms lists the alarms of etcd's members. It needs quorum.
func (r *Run) EtcdAlarms(ctx context.Context) ([]status.Alarm, error) {
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.needQuorum("list alarms"); err != nil {
		return nil, err
	}
	return q.listAlarms(ctx)
}

func (q *membership) listAlarms(ctx context.Context) ([]status.Alarm, error) {
	alarms, err := q.alarms(ctx)
	out := []status.Alarm{} // none is an empty list in JSON, too
	for _, a := range alarms {
		out = append(out, status.Alarm{Kind: a.Kind, Member: q.nameOf(a.Member), ID: fmt.Sprintf("%x", a.Member)})
	}
	return out, err
}

func (q *membership) nameOf(id uint64) string {
	for _, e := range q.all {
		if e.ID == id {
			return e.name()
		}
	}
	return fmt.Sprintf("%x", id)
}

// CorruptError is data that differs between members, which is no matter of an alarm alone.
type CorruptError struct{ what, hint string }

func (e *CorruptError) Error() string { return e.what }

// Remedy is the way on.
func (e *CorruptError) Remedy() string {
	return cmp.Or(e.hint, "replace the member that differs from the majority first; --force takes the alarm back all the same")
}

// DisarmEtcd takes back all alarms, and returns those that there were. A CORRUPT one stays where members still differ, unless
// forced.
func (r *Run) DisarmEtcd(ctx context.Context, force bool) ([]status.Alarm, error) {
	q, err := r.openEtcd(ctx)
	if err != nil {
		return nil, err
	}
	if err := q.needQuorum("disarm alarms"); err != nil {
		return nil, err
	}
	were, err := q.listAlarms(ctx)
	if err != nil || len(were) == 0 {
		return were, err
	}
	for _, a := range were {
		if a.Kind == corrupt && !force {
			if err := r.mayDisarmCorrupt(ctx, q); err != nil {
				return nil, err
			}
			break
		}
	}
	return were, r.stage("disarm", func(sink event.Sink) error { return q.disarm(ctx, sink) })
}

func (r *Run) mayDisarmCorrupt(ctx context.Context, q *membership) error {
	s := &status.Etcd{}
	for _, e := range q.all {
		s.Members = append(s.Members, e.status(q))
	}
	compareData(ctx, q, s)
	left := uncompared(q, s)
	switch {
	case s.Compared.Why != "":
		return &CorruptError{what: "alarm CORRUPT: whether members hold the same could not be found out: " + s.Compared.Why}
	case !s.Compared.Agree:
		return &CorruptError{what: fmt.Sprintf("alarm CORRUPT: members hold different data at revision %d: %s", s.Compared.Revision, differing(s))}
	case len(left) > 0:
		return &CorruptError{fmt.Sprintf("alarm CORRUPT: the others agree at revision %d, and the data of %s was not compared, since it does not answer", s.Compared.Revision, list(left)),
			"bring " + list(left) + " back, or replace it if it is gone for good; --force takes the alarm back all the same"}
	}
	return nil
}

// uncompared names the voters whose data was not compared. That the others agree says nothing: what differs may be the very one that is away.
func uncompared(q *membership, s *status.Etcd) (names []string) {
	for i, e := range q.all {
		if e.ID != 0 && !e.Learner && s.Members[i].Hash == "" {
			names = append(names, e.name())
		}
	}
	return names
}

// disarm takes back all alarms, until none is left.
func (q *membership) disarm(ctx context.Context, sink event.Sink) error {
	client := q.well()[0].client
	alarms, err := client.Alarms(ctx)
	if err != nil {
		return err
	}
	for _, a := range alarms {
		if err := client.Disarm(ctx, a); err != nil {
			return err
		}
		sink.Emit(event.Event{Kind: event.Changed, Node: q.nameOf(a.Member), Subject: "alarm " + a.Kind, Message: "taken back"})
	}
	if alarms, err = client.Alarms(ctx); err == nil && len(alarms) > 0 {
		err = fmt.Errorf("alarm %s of %s is raised again at once: its cause is not mended", alarms[0].Kind, q.nameOf(alarms[0].Member))
	}
	return err
}
