package ui

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/status"
)

// Where a disk is slow, and where it is too slow for etcd: https://etcd.io/docs/v3.6/op-guide/hardware/#disks
const (
	slowSync   = 10 * time.Millisecond
	tooSlow    = 50 * time.Millisecond
	muchFree   = 0.5
	fullEnough = 0.8
)

// Etcd answers with e as a dashboard of its members, or as JSON.
func (o *Output) Etcd(e *status.Etcd) error {
	return o.Value(e, func(w io.Writer) error {
		parts := []string{o.out.etcdHead(e), o.out.raftTable(e), o.out.storageTable(e)}
		if len(e.Problems) > 0 {
			parts = append(parts, o.out.problems(e.Problems))
		}
		_, err := io.WriteString(w, strings.Join(parts, "\n"))
		return err
	})
}

// EtcdMembers answers with the membership alone, or with all of e as JSON.
func (o *Output) EtcdMembers(e *status.Etcd) error {
	return o.Value(e, func(w io.Writer) error {
		parts := []string{o.out.etcdHead(e), o.out.memberTable(e)}
		if len(e.Problems) > 0 {
			parts = append(parts, o.out.problems(e.Problems))
		}
		_, err := io.WriteString(w, strings.Join(parts, "\n"))
		return err
	})
}

// etcdHead is etcd in one line.
func (s stream) etcdHead(e *status.Etcd) string {
	health := s.health(e.Health, "no quorum")
	about := []string{fmt.Sprintf("%d of %d vote, %d must", e.Voting, e.Voters, e.Quorum), fmt.Sprintf("%d may fail", e.Tolerates)}
	if !e.HasQuorum() {
		about = []string{fmt.Sprintf("%d of %d answer, %d must", answering(e), e.Voters, e.Quorum)}
	}
	switch c := e.Compared; {
	case c == nil:
	case c.Why != "":
		about = append(about, "data not compared: "+clean(c.Why))
	case c.Agree:
		about = append(about, fmt.Sprintf("data equal on %s at revision %d", plural(c.Members, "member"), c.Revision))
	default:
		about = append(about, "data differs")
	}
	switch e.KnownFrom {
	case "":
		about = append(about, "no member answers: these are the declared ones")
	default:
		if !e.HasQuorum() {
			about = append(about, "as "+clean(e.KnownFrom)+" knows it")
		}
	}
	return fmt.Sprintf("%s  %s  %s\n", s.bold.Render("etcd of "+clean(e.Cluster)), health, s.dim.Render(strings.Join(about, " "+s.dot+" ")))
}

// answering counts the voters that would vote if there were enough of them.
func answering(e *status.Etcd) (n int) {
	for _, m := range e.Members {
		if m.Answers && !m.Learner && m.ID != "" {
			n++
		}
	}
	return n
}

func (s stream) etcdRole(m status.EtcdMember) string {
	switch {
	case m.ID == "":
		return s.dim.Render("none")
	case m.Leader:
		return s.accent.Render("leader")
	case m.Learner:
		return s.warn.Render("learner")
	}
	return "voter"
}

func (s stream) mark(good bool) string {
	if good {
		return s.good.Render(s.ok)
	}
	return s.bad.Render(s.fail)
}

// raftTable is what members make of one another.
func (s stream) raftTable(e *status.Etcd) string {
	var rows [][]string
	for _, m := range e.Members {
		row := []string{s.bold.Render(clean(m.Name)), s.or(m.ID), s.etcdRole(m), s.mark(m.Healthy)}
		if !m.Answers {
			rows = append(rows, s.unknown(row, 7))
			continue
		}
		lag := s.good.Render("in sync")
		if m.Lag > 0 {
			lag = fmt.Sprintf("%d behind", m.Lag)
		}
		rows = append(rows, append(row, s.or(clean(m.Version)), s.or(clean(m.Storage)), fmt.Sprint(m.Term), fmt.Sprint(m.Index), lag, fmt.Sprint(m.Revision), s.or(m.Hash)))
	}
	return s.table([]string{"member", "id", "role", "healthy", "version", "storage", "term", "index", "log", "revision", "hash"}, rows)
}

// storageTable is what members have on their disks.
func (s stream) storageTable(e *status.Etcd) string {
	var rows [][]string
	for _, m := range e.Members {
		row := []string{s.bold.Render(clean(m.Name))}
		if !m.Answers {
			rows = append(rows, append(s.unknown(row, 6), s.alarms(m)))
			continue
		}
		free := fmt.Sprintf("%.0f %%", 100*m.Free)
		if m.Free > muchFree && m.DBBytes > 100<<20 {
			free = s.warn.Render(free)
		}
		quota := s.dim.Render(s.rule)
		if m.Quota > 0 {
			quota = fmt.Sprintf("%.1f %% of %s", 100*m.Used, size(m.Quota))
			if m.Used > fullEnough {
				quota = s.bad.Render(quota)
			}
		}
		rows = append(rows, append(row, size(m.DBBytes), size(m.InUse), free, quota, s.latency(m.Fsync), s.latency(m.Commit), s.alarms(m)))
	}
	return s.table([]string{"member", "database", "in use", "free", "quota", "fsync p99", "commit p99", "alarms"}, rows)
}

func (s stream) memberTable(e *status.Etcd) string {
	var rows [][]string
	for _, m := range e.Members {
		node := s.warn.Render("not declared")
		if m.Node != "" {
			node = clean(m.Node)
		}
		rows = append(rows, []string{s.bold.Render(clean(m.Name)), s.or(m.ID), s.etcdRole(m), s.mark(m.Healthy), node, clean(m.Peer), s.or(clean(m.Client))})
	}
	return s.table([]string{"member", "id", "role", "healthy", "node", "peer", "client"}, rows)
}

// unknown is row with so many cells of which nothing is known.
func (s stream) unknown(row []string, cells int) []string {
	for range cells {
		row = append(row, s.dim.Render(s.rule))
	}
	return row
}

func (s stream) or(text string) string {
	if text == "" {
		return s.dim.Render(s.rule)
	}
	return text
}

func (s stream) alarms(m status.EtcdMember) string {
	if len(m.Alarms) == 0 {
		return s.dim.Render(s.rule)
	}
	return s.bad.Render(strings.Join(m.Alarms, ", "))
}

// latency is in milliseconds: slow from 10 on, too slow for etcd from 50.
func (s stream) latency(seconds *float64) string {
	if seconds == nil {
		return s.dim.Render(s.rule)
	}
	d := time.Duration(*seconds * float64(time.Second))
	text := fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	switch {
	case d > tooSlow:
		return s.bad.Render(text)
	case d > slowSync:
		return s.warn.Render(text)
	}
	return text
}
