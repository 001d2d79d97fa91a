package spec

import (
	"os/exec"
	"testing"
)

// TestSchedulesAreSystemds: what is taken here, systemd takes, and what is refused, it refuses.
func TestSchedulesAreSystemds(t *testing.T) {
	for text, want := range map[string]bool{
		"*-*-* 02:00:00": true, "*-*-* 02:00": true, "02:00": true, "daily": true, "Weekly": true, "minutely": true, "Sun 04:00": true, "Mon..Fri 22:30": true,
		"Sat,Sun": true, "monday *-*-1..7 3:05:30": true, "*:0/15": true, "*-*~1 12:00": true, "2030-01-01": true, "*-*-* *:*:00": true,
		"Mon *-*-* 02:00:00 UTC": true, "*-*-* 02:00:00 Europe/Vienna": true, "1,15 12:00": false,
		"": false, "  ": false, "0 2 * * *": false, "25:00": false, "02:60": false, "Sunny 04:00": false, "*-13-* 00:00": false, "*-*-32": false, "2:00pm": false,
		"02:00 03:00": false, "*:0/0": false, "every day": false,
	} {
		if err := checkSchedule(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
		if err := exec.Command("systemd-analyze", "calendar", "--", text).Run(); (err == nil) != want {
			t.Errorf("systemd on %q: %v", text, err)
		}
	}
}
