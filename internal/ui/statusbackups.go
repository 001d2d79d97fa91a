package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/status"
)

// backups is one line for archives, one for proofs where there are to be any, and a word on one that failed since.
func (s stream) backups(b *status.Backups, now time.Time) string {
	var out strings.Builder
	line := func(title, text string) { fmt.Fprintf(&out, "%s%s\n", s.dim.Render(fmt.Sprintf("%-14s", title)), text) }
	line("LAST BACKUP", s.lastTurn(b.Made, b.MakeFailed, now))
	if b.Verify != "" || b.Proven != nil || b.ProofFailed != nil {
		line("LAST PROVEN", s.lastTurn(b.Proven, b.ProofFailed, now))
	}
	return out.String()
}

// lastTurn tells of the last one that went well, and of one that failed since.
func (s stream) lastTurn(good, failed *status.Turn, now time.Time) string {
	text := s.dim.Render("none yet")
	if good != nil {
		when := ago(good.Began, now)
		if good.Ahead {
			when = s.bad.Render(good.Began.Local().Format(time.DateTime) + ", in the future")
		}
		text = fmt.Sprintf("%s by %s, %s, revision %d", when, clean(good.Node), size(good.Bytes), good.Revision)
		if good.Found != "" {
			text += ": " + clean(good.Found)
		}
		if len(good.Open) > 0 {
			text += s.dim.Render(" (but for: " + clean(strings.Join(good.Open, "; ")) + ")")
		}
	}
	if failed.Since(good) {
		text += "; " + s.bad.Render(fmt.Sprintf("failed %s on %s", ago(failed.Began, now), clean(failed.Node)))
	}
	return text
}

// ago is a time in the past as people say it.
func ago(at, now time.Time) string {
	switch left := now.Sub(at); {
	case left < 2*time.Minute:
		return fmt.Sprintf("%d seconds ago", max(0, int(left.Seconds())))
	case left < 2*time.Hour:
		return fmt.Sprintf("%d minutes ago", int(left.Minutes()))
	case left < 48*time.Hour:
		return fmt.Sprintf("%d hours ago", int(left.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(left.Hours()/24))
	}
}
