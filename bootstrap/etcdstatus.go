package bootstrap

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

// EtcdLook is how deep EtcdStatus looks.
type EtcdLook struct {
	Disks bool // how fast the members' disks are
	Data  bool // whether members hold the same; each reads its whole database for it
}

const (
	// maxLag is by how many entries a member may be behind before etcd itself holds writes back for it.
	// https://github.com/etcd-io/etcd/blob/v3.6.0/server/etcdserver/v3_server.go (maxGapBetweenApplyAndCommitIndex)
	maxLag = 5000
	// fullQuota is the share of the quota from which somebody should look after it.
	fullQuota = 0.8
)

// EtcdStatus looks at etcd's members and changes nothing. It works without quorum. The error is of what forbids to look at
// any; what is wrong with one member is a problem in what it returns.
func (r *Run) EtcdStatus(ctx context.Context, how EtcdLook) (*status.Etcd, error) {
	var q *membership
	s := &status.Etcd{Cluster: r.Cluster.Name, Time: time.Now()}
	err := r.stage("members", func(event.Sink) (err error) {
		q, err = r.openEtcd(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	is := q.majority()
	s.Voters, s.Voting, s.Quorum, s.Tolerates = is.Voters, is.Voting, is.Quorum, is.Tolerates
	if q.from != nil {
		s.KnownFrom, s.ID = q.from.name(), fmt.Sprintf("%x", q.from.seen.ClusterID)
	}
	for _, e := range q.all {
		s.Members = append(s.Members, e.status(q))
	}
	if how.Disks {
		_ = r.stage("disks", func(event.Sink) error { r.measureDisks(ctx, q, s); return nil })
	}
	if how.Data {
		_ = r.stage("data", func(event.Sink) error { compareData(ctx, q, s); return nil })
	}
	if err := r.tellAlarms(ctx, q, s); err != nil {
		return nil, err
	}
	r.etcdProblems(q, s)
	switch {
	case !q.hasQuorum():
		s.Health = status.Down
	case len(s.Problems) > 0:
		s.Health = status.Degraded
	default:
		s.Health = status.Healthy
	}
	return s, ctx.Err()
}

// status is the member as it is told.
func (e *member) status(q *membership) status.EtcdMember {
	out := status.EtcdMember{Name: e.name(), Peer: e.Peer, Client: e.Client, Learner: e.Learner, Answers: e.answers(), Healthy: e.healthy()}
	if e.m != nil {
		out.Node = e.m.node.Name
	}
	if e.ID != 0 {
		out.ID = fmt.Sprintf("%x", e.ID)
	}
	if e.err != nil {
		out.Error = e.err.Error()
	}
	if !e.answers() {
		return out
	}
	s := e.seen
	out.Leader, out.Version, out.Storage, out.Term, out.Index, out.Revision = e.leads(), s.Version, s.Storage, s.RaftTerm, s.RaftIndex, s.Revision
	out.DBBytes, out.InUse, out.Quota = s.DBSize, s.DBSizeInUse, s.Quota
	if s.DBSize > 0 {
		out.Free = 1 - float64(s.DBSizeInUse)/float64(s.DBSize)
	}
	if s.Quota > 0 {
		out.Used = float64(s.DBSize) / float64(s.Quota)
	}
	if l := q.leader(); l != nil && l.seen.RaftIndex > s.Applied { // they were asked at the same time, but not quite
		out.Lag = l.seen.RaftIndex - s.Applied
	}
	return out
}

// measureDisks fills in how long members' writes take, of those whose machine can be asked: it is told on its loopback alone.
func (r *Run) measureDisks(ctx context.Context, q *membership, s *status.Etcd) {
	var wg sync.WaitGroup
	for i, e := range q.all {
		if e.m == nil || e.m.host == nil || !e.answers() {
			continue
		}
		wg.Go(func() {
			if l, err := etcd.FetchLatency(ctx, "127.0.0.1:2381", e.m.host.Dial); err == nil {
				fsync, commit := l.Fsync.Seconds(), l.Commit.Seconds()
				s.Members[i].Fsync, s.Members[i].Commit = &fsync, &commit
			} else {
				s.Members[i].Error = cmp.Or(s.Members[i].Error, err.Error())
			}
		})
	}
	wg.Wait()
}

// tellAlarms fills in each member's alarms. Without quorum there are only those that members remember.
func (r *Run) tellAlarms(ctx context.Context, q *membership, s *status.Etcd) error {
	alarms, err := q.alarms(ctx)
	if err != nil {
		return err
	}
	for i, e := range q.all {
		for _, a := range alarms {
			if a.Member == e.ID {
				s.Members[i].Alarms = append(s.Members[i].Alarms, a.Kind)
			}
		}
	}
	return nil
}

// etcdProblems tells what needs a human, the gravest first.
func (r *Run) etcdProblems(q *membership, s *status.Etcd) {
	tell := func(node, remedy, what string, args ...any) {
		s.Problems = append(s.Problems, status.Problem{Node: node, What: fmt.Sprintf(what, args...), Remedy: remedy})
	}
	if !q.hasQuorum() {
		tell("", q.lostRemedy(), "%s; it takes no writes, and the API servers do not answer", q.lost())
	}
	versions := map[string][]string{}
	for i, e := range q.all {
		m, name := s.Members[i], e.name()
		switch {
		case e.ID == 0 && q.from != nil:
			tell(name, "it becomes one when it joins; a control plane that was removed on purpose must leave the file, too", "declared as a control plane, and no member of etcd: %v", e.err)
		case e.err != nil && e.m != nil && e.m.unreached != nil:
			tell(name, q.sickRemedy(e), "%v", e.m.unreached)
		case e.err != nil:
			tell(name, q.sickRemedy(e), "%v", e.err)
		case e.Learner:
			tell(name, "slipway etcd promote "+name+" gives it its vote once it has caught up", "a learner, which has no vote: a join that has not finished")
		}
		if e.ID != 0 && e.m == nil {
			tell(name, "if nobody knows it, slipway etcd remove "+called(e), "a member at %s, where no control plane is declared", e.Peer)
		}
		if !e.answers() {
			continue
		}
		versions[e.seen.Version] = append(versions[e.seen.Version], name)
		if q.from != nil && e.seen.ClusterID != q.from.seen.ClusterID {
			tell(name, "it was begun anew beside the cluster: take it away before it is taken for a member", "its etcd is another cluster's: %x", e.seen.ClusterID)
		}
		if m.Lag > maxLag {
			tell(name, "a slow disk, or a slow way to the others: compare the figures of its disk", "%d entries behind the leader", m.Lag)
		}
		if m.Used > fullQuota && !slices.Contains(m.Alarms, nospace) {
			tell(name, "slipway etcd defrag gives back what is free; etcd { quota_gib = … } in the cluster's file allows more", "its database takes %.0f %% of the quota, at which etcd takes no more writes", 100*m.Used)
		}
		for _, kind := range m.Alarms {
			tell(name, alarmRemedy(kind), "alarm %s", kind)
		}
	}
	if len(versions) > 1 {
		var told []string
		for v, names := range versions {
			told = append(told, v+" on "+strings.Join(names, ", "))
		}
		slices.Sort(told)
		tell("", "slipway apply brings all to the bundle's", "members are of different versions: %s", strings.Join(told, "; "))
	}
	if c := s.Compared; c != nil && !c.Agree && c.Why == "" {
		tell("", "keep a snapshot of every member, and write nothing more than you must; the one that differs from the majority has to be replaced", "members hold different data at revision %d: %s", c.Revision, differing(s))
	}
}

// called is how the member is named on the command line.
func called(e *member) string {
	if e.m != nil || e.Name != "" {
		return e.name()
	}
	return fmt.Sprintf("%x", e.ID)
}

// sickRemedy is what to do about a member that is not well. Without quorum none can be removed, and those that answer wait for the others.
func (q *membership) sickRemedy(e *member) string {
	const look = "/var/log/pods/kube-system_etcd-* on the machine shows why"
	switch {
	case q.hasQuorum():
		return look + "; if it is gone for good, slipway etcd remove " + called(e)
	case e.answers():
		return ""
	}
	return look
}

// differing tells which members hold what.
func differing(s *status.Etcd) string {
	var told []string
	for _, m := range s.Members {
		if m.Hash != "" {
			told = append(told, m.Name+" "+m.Hash)
		}
	}
	return strings.Join(told, ", ")
}
