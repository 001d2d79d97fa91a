package backup

import (
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	now := time.Now()
	for _, zone := range []string{"UTC", "Asia/Tokyo"} {
		t.Setenv("TZ", zone)
		for _, c := range []struct {
			schedule string
			since    time.Time
			want     bool
		}{
			{"*-*-* *:*:00", now.Add(-2 * time.Minute), true},
			{"hourly", now.Add(-61 * time.Minute), true},
			{"*-01-01 00:00:00", now.Add(-400 * 24 * time.Hour), true},
			{"2199-01-01", now.Add(-time.Hour), false},
			{"2020-01-01", now, false},
			{"2020-01-01 12:00:00", time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), false},
			{"2020-01-01 12:00:00 UTC", time.Date(2020, 1, 1, 11, 59, 59, 0, time.UTC), true},
			// What was begun in the very second of its time was of that time.
			{"2020-01-01 12:00:00 UTC", time.Date(2020, 1, 1, 12, 0, 0, 3e8, time.UTC), false},
		} {
			if got, err := Due(t.Context(), c.schedule, c.since); err != nil || got != c.want {
				t.Errorf("%s: %q since %s: %t, %v", zone, c.schedule, c.since, got, err)
			}
		}
	}
	if _, err := Due(t.Context(), "whenever", now); err == nil {
		t.Error("no schedule was taken for one")
	}
}
