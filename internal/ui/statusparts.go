package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/status"
)

// componentColumn is one component across the nodes.
type componentColumn struct {
	name string
	of   func(status.ControlPlane) *status.Component
	lead string // what its leader is called, "" where there is none
}

func componentColumns() []componentColumn {
	return []componentColumn{
		{"etcd", func(p status.ControlPlane) *status.Component { return p.Etcd }, "leader"},
		{"apiserver", func(p status.ControlPlane) *status.Component { return p.APIServer }, ""},
		{"controller-manager", func(p status.ControlPlane) *status.Component { return p.ControllerManager }, "leader"},
		{"scheduler", func(p status.ControlPlane) *status.Component { return p.Scheduler }, "leader"},
		{"haproxy", func(p status.ControlPlane) *status.Component { return p.HAProxy }, ""},
		{"keepalived", func(p status.ControlPlane) *status.Component { return p.Keepalived }, "VIP"},
	}
}

// componentTable is components by node: ✓ or ✗, and who leads. Columns that no node has are left out.
func (s stream) componentTable(planes []status.ControlPlane) string {
	head, rows := []string{"node"}, make([][]string, len(planes))
	for i, p := range planes {
		rows[i] = []string{s.bold.Render(clean(p.Node))}
	}
	for _, col := range componentColumns() {
		if !slices.ContainsFunc(planes, func(p status.ControlPlane) bool { return col.of(p) != nil }) {
			continue
		}
		head = append(head, col.name)
		for i, p := range planes {
			rows[i] = append(rows[i], s.component(col.of(p), col.lead))
		}
	}
	return s.table(head, rows)
}

// component is one cell. Why something is not well is too long for it, and stands among the problems.
func (s stream) component(c *status.Component, lead string) string {
	if c == nil {
		return s.dim.Render(s.rule)
	}
	mark := s.good.Render(s.ok)
	if !c.Healthy {
		mark = s.bad.Render(s.fail)
	}
	if c.Leader && lead != "" {
		mark += " " + s.accent.Render(lead)
	}
	return mark
}

func (s stream) etcdTable(members []status.Member) string {
	var rows [][]string
	for _, m := range members {
		role := "voter"
		switch {
		case m.Leader:
			role = s.accent.Render("leader")
		case m.Learner:
			role = s.warn.Render("learner")
		}
		health, sync := s.good.Render(s.ok), s.good.Render("in sync")
		if m.Lag > 0 {
			sync = s.warn.Render(fmt.Sprintf("%d behind", m.Lag))
		}
		db := fmt.Sprintf("%s, %s in use", size(m.DBBytes), size(m.InUse))
		if !m.Healthy {
			health, sync, db = s.bad.Render(s.fail), s.dim.Render(s.rule), s.dim.Render(s.rule)
		}
		rows = append(rows, []string{s.bold.Render(clean(m.Node)), m.ID, role, health, clean(m.Version), db, sync})
	}
	return s.table([]string{"etcd", "member", "role", "healthy", "version", "database", "log"}, rows)
}

// certificates is one line for the CAs and one for the leaves, soonest first, in the colour of their urgency.
func (s stream) certificates(certs []status.Certificate, now time.Time) string {
	sorted := slices.Clone(certs)
	slices.SortStableFunc(sorted, func(a, b status.Certificate) int { return a.Expires.Compare(b.Expires) })
	line := func(title string, ca bool) string {
		var items []string
		for _, c := range sorted {
			if c.CA == ca {
				name := clean(cmp.Or(c.Node, c.Name))
				items = append(items, name+" "+s.expiry(c.Expires, now))
			}
		}
		if len(items) == 0 {
			return ""
		}
		return fmt.Sprintf("%s%s\n", s.dim.Render(fmt.Sprintf("%-14s", title)), strings.Join(items, ", "))
	}
	return line("CERTIFICATES", false) + line("AUTHORITIES", true)
}

// expiry is the time that is left: warned of under 30 days, bad under 7.
func (s stream) expiry(at, now time.Time) string {
	const day = 24 * time.Hour
	left := at.Sub(now)
	switch {
	case left <= 0:
		return s.bad.Render("expired")
	case left < 2*day:
		return s.bad.Render(fmt.Sprintf("%d hours", left/time.Hour))
	case left < 7*day:
		return s.bad.Render(fmt.Sprintf("%d days", left/day))
	case left < 30*day:
		return s.warn.Render(fmt.Sprintf("%d days", left/day))
	case left < 730*day:
		return fmt.Sprintf("%d days", left/day)
	}
	return fmt.Sprintf("%d years", left/(365*day))
}
