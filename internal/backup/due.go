package backup

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"time"
)

// Due reports whether the schedule has come round since a time. systemd itself says so, by which the timers go, too.
func Due(ctx context.Context, schedule string, since time.Time) (bool, error) {
	ask := CalendarQuestion(schedule, since)
	said, err := exec.CommandContext(ctx, ask[0], ask[1:]...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return false, fmt.Errorf("systemd does not take the schedule %q: %s", schedule, exit.Stderr)
	}
	if err != nil {
		return false, err
	}
	next, err := CalendarAnswer(string(said))
	if err != nil {
		return false, fmt.Errorf("schedule %q: %w", schedule, err)
	}
	return !next.IsZero() && !next.After(time.Now()), nil
}

// CalendarQuestion is the command that says when a schedule comes round after a time. It is meant for control planes: others may not
// have systemd, and have another time zone.
func CalendarQuestion(schedule string, since time.Time) []string {
	const form = "2006-01-02 15:04:05 MST"
	return []string{"env", "LC_ALL=C", "SYSTEMD_COLORS=0", "systemd-analyze", "calendar", "--base-time=" + since.UTC().Format(form), "--", schedule}
}

// CalendarAnswer reads what systemd-analyze calendar prints: in UTC where the machine's own time is another. It is zero where the
// schedule does not come round any more.
func CalendarAnswer(said string) (time.Time, error) {
	for _, line := range []string{`(?m)^\s*\(in UTC\): \w+ (\S+ \S+) UTC$`, `(?m)^\s*Next elapse: \w+ (\S+ \S+) UTC$`} {
		if found := regexp.MustCompile(line).FindStringSubmatch(said); found != nil {
			return time.Parse(time.DateTime, found[1])
		}
	}
	if regexp.MustCompile(`(?m)^\s*Next elapse: never$`).MatchString(said) {
		return time.Time{}, nil
	}
	return time.Time{}, fmt.Errorf("systemd-analyze calendar said nothing that is known: %q", said)
}
