package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/status"
)

// TestABackupInTheFutureIsNotOfNow: a clock that was ahead does not look like a backup of this minute, nor hide one that failed since.
func TestABackupInTheFutureIsNotOfNow(t *testing.T) {
	st := healthy()
	st.Backups.Made.Began, st.Backups.Made.Ahead = noon.Add(21*24*time.Hour), true
	st.Backups.MakeFailed = &status.Turn{Node: "cp-1", Began: noon.Add(-time.Hour), Error: "x"}
	o, stdout, _ := output(Text)
	if err := o.Status(st); err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(stdout.String(), "LAST BACKUP")
	line, _, _ = strings.Cut(line, "\n")
	if !strings.Contains(line, ", in the future by cp-2") || strings.Contains(line, "0 seconds ago") || !strings.Contains(line, "failed 60 minutes ago on cp-1") {
		t.Error(line)
	}
}
