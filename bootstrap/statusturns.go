package bootstrap

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/status"
)

// backupsSeen is what was found out about the archives that control planes make by themselves.
type backupsSeen struct {
	block   spec.Backup
	history backup.History // of the cluster and all machines that were asked
	units   []nodeUnits
	since   time.Time // when the machines were last told what to do
	now     time.Time
	next    func(schedule string, since time.Time) (time.Time, error) // when a schedule comes round after a time, zero for never
}

// nodeUnits are the states of a machine's units by their names.
type nodeUnits struct {
	node   string
	states map[string]string
}

// turnUnit is a timer and the service that it starts, under one name.
type turnUnit struct {
	unit, schedule string
	what, without  string // what it makes, and what a machine does not make without it
	proofs         bool
}

// turnUnits are those that the machines have for the block: proofs are made where there is a time for them.
func turnUnits(b spec.Backup) []turnUnit {
	out := []turnUnit{{unit: "slipway-backup", schedule: b.Schedule, what: "backup", without: "it makes no backups"}}
	if b.Verify != "" {
		out = append(out, turnUnit{unit: "slipway-verify", schedule: b.Verify, what: "proof of an archive", without: "it proves no archives", proofs: true})
	}
	return out
}

// status is what is told where nothing is wrong, too.
func (s *backupsSeen) status() *status.Backups {
	h := s.history
	return &status.Backups{
		Schedule: s.block.Schedule, Verify: s.block.Verify,
		Made: s.turn(h.Made), MakeFailed: s.turn(h.MakeFailed), Proven: s.turn(h.Proven), ProofFailed: s.turn(h.ProofFailed),
	}
}

func (s *backupsSeen) turn(t *backup.Turn) *status.Turn {
	if t == nil {
		return nil
	}
	return &status.Turn{
		Node: t.Node, Began: t.Began, Ahead: t.Ahead(s.now), Seconds: t.Seconds, Archive: t.Archive, Places: t.Places, Bytes: t.Bytes, Revision: t.Revision,
		Kept: t.Kept, Found: t.Found, Open: t.Open, Error: t.Error,
	}
}

// problems are what needs a human.
func (s *backupsSeen) problems() (out []status.Problem) {
	b := s.status()
	for _, u := range turnUnits(s.block) {
		good, failed := b.Made, b.MakeFailed
		if u.proofs {
			good, failed = b.Proven, b.ProofFailed
		}
		told := ""
		if failed.Since(good) {
			told = failed.Node
			out = append(out, s.failed(u, failed))
		}
		out = append(out, s.stopped(u, told)...)
		if good != nil && good.Ahead {
			out = append(out, wrongClock(u, good))
		}
		if late := s.overdue(u, good, failed); late != nil {
			out = append(out, *late)
		}
	}
	if b.Made != nil {
		for _, kept := range b.Made.Kept {
			out = append(out, status.Problem{Node: b.Made.Node, What: "the last backup left more archives than are to be kept: " + kept, Remedy: "archives gather meanwhile: see to it that there is room for them"})
		}
	}
	return out
}

func (s *backupsSeen) failed(u turnUnit, t *status.Turn) status.Problem {
	p := status.Problem{
		Node: t.Node, What: fmt.Sprintf("the last %s failed, at %s: %s", u.what, t.Began.Local().Format(time.DateTime), t.Error),
		Remedy: "when it is mended, the next turn makes up for it; systemctl start " + u.unit + ".service on a control plane takes it at once",
	}
	if u.proofs && s.history.ProofFailed.Against {
		p.Remedy += "; until one is proven no older archive is deleted"
	}
	return p
}

// stopped are machines whose timer does not run, and those whose service ended badly when it ran last, but for one of which that is told
// already. Another machine's turn that went well says nothing of what this one lacks.
func (s *backupsSeen) stopped(u turnUnit, told string) (out []status.Problem) {
	units := slices.SortedFunc(slices.Values(s.units), func(a, b nodeUnits) int { return strings.Compare(a.node, b.node) })
	for _, n := range units {
		if n.states[u.unit+".timer"] != "active" {
			out = append(out, status.Problem{
				Node: n.node, What: fmt.Sprintf("its timer %s.timer does not run: %s", u.unit, u.without), Remedy: "slipway apply puts it there and starts it",
			})
		}
		if n.states[u.unit+".service"] == "failed" && n.node != told {
			out = append(out, status.Problem{
				Node: n.node, What: fmt.Sprintf("its service %s.service failed when it ran last", u.unit),
				Remedy: "journalctl -u " + u.unit + " on it says why; systemctl start " + u.unit + ".service tries again",
			})
		}
	}
	return out
}

func wrongClock(u turnUnit, t *status.Turn) status.Problem {
	return status.Problem{
		Node: t.Node, What: fmt.Sprintf("the last %s is dated in the future, %s: its clock is or was wrong, or that of this machine", u.what, t.Began.Local().Format(time.DateTime)),
		Remedy: "timedatectl on each shows its clock; the next turn is taken whatever that date says, and no retention deletes archives that are dated in the future",
	}
}

// overdue is the problem that it was time and nothing came of it, good or bad. A turn may take its time, and there is nothing to prove
// before there is an archive.
func (s *backupsSeen) overdue(u turnUnit, good, failed *status.Turn) *status.Problem {
	if u.proofs && s.history.Made == nil {
		return nil
	}
	since, last := s.since, "there is no "+u.what+" yet"
	for _, t := range []*status.Turn{good, failed} {
		if t == nil || t.Ahead {
			continue
		}
		since = later(since, t.Began)
		if t == good {
			last = fmt.Sprintf("the last %s is of %s", u.what, t.Began.Local().Format(time.DateTime))
		}
	}
	if since.IsZero() {
		return nil
	}
	next, err := s.next(u.schedule, since)
	if err != nil || next.IsZero() || s.now.Before(next.Add(backup.TurnWithin)) { // machines that cannot be asked are told of already
		return nil
	}
	return &status.Problem{
		What:   fmt.Sprintf("%s, and it was time for one at %s", last, next.Local().Format(time.DateTime)),
		Remedy: fmt.Sprintf("systemctl start %[1]s.service on a control plane makes one at once; journalctl -u %[1]s on each says what became of its turn", u.unit),
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
