package spec

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// checkSchedule refuses what systemd would not take for OnCalendar=. Names of time zones are for the machines to judge, which have
// the list of them.
// https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html#Calendar%20Events
func checkSchedule(text string) error {
	if slices.Contains([]string{"minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"}, strings.ToLower(text)) {
		return nil
	}
	parts := strings.Fields(text)
	if len(parts) == 0 {
		return errors.New(`it is empty`)
	}
	if len(parts) > 1 && isZone(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	if isLetter(parts[0]) {
		if err := checkWeekdays(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 && !strings.Contains(parts[0], ":") {
		if err := checkDate(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		if err := checkTime(parts[0]); err != nil {
			return err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		return fmt.Errorf("%q is one part too many", parts[0])
	}
	return nil
}

func isLetter(text string) bool {
	return text[0] >= 'A' && text[0] <= 'Z' || text[0] >= 'a' && text[0] <= 'z'
}

// isZone tells a time zone, such as UTC or Europe/Vienna, from days of the week.
func isZone(text string) bool {
	return isLetter(text) && regexp.MustCompile(`^[A-Za-z0-9_+/-]+$`).MatchString(text) && checkWeekdays(text) != nil
}

var errWeekdays = errors.New("days of the week are such as Mon..Fri or Sat,Sun")

func checkWeekdays(text string) error {
	names := []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	for _, item := range strings.Split(strings.TrimSuffix(text, ","), ",") {
		ends := strings.Split(item, "..")
		if len(ends) > 2 {
			return fmt.Errorf("%q: %w", text, errWeekdays)
		}
		for _, day := range ends {
			day = strings.ToLower(day)
			if !slices.ContainsFunc(names, func(name string) bool { return day == name || day == name[:3] }) {
				return fmt.Errorf("%q: %w", text, errWeekdays)
			}
		}
	}
	return nil
}

// checkDate is for [YEAR-]MONTH-DAY, or with ~DAY to count from the month's end.
func checkDate(text string) error {
	fields := strings.Split(strings.Replace(text, "~", "-", 1), "-")
	switch len(fields) {
	case 2:
		fields = append([]string{"*"}, fields...)
	case 3:
	default:
		return fmt.Errorf("%q is no date: expected YEAR-MONTH-DAY or MONTH-DAY, * for any", text)
	}
	return errors.Join(
		checkComponent("year", fields[0], 1970, 2199),
		checkComponent("month", fields[1], 1, 12),
		checkComponent("day", fields[2], 1, 31))
}

// checkTime is for HOUR:MINUTE[:SECOND].
func checkTime(text string) error {
	fields := strings.Split(text, ":")
	if len(fields) != 2 && len(fields) != 3 {
		return fmt.Errorf("%q is no time: expected HOUR:MINUTE or HOUR:MINUTE:SECOND, * for any", text)
	}
	err := errors.Join(checkComponent("hour", fields[0], 0, 23), checkComponent("minute", fields[1], 0, 59))
	if len(fields) == 3 {
		err = errors.Join(err, checkComponent("second", fields[2], 0, 59))
	}
	return err
}

// checkComponent is for *, a number, FROM..TO, each with /STEP, and lists of them.
func checkComponent(what, text string, lowest, highest int) error {
	for _, item := range strings.Split(text, ",") {
		item, step, stepped := strings.Cut(item, "/")
		if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
			return fmt.Errorf("%s %q: a step is a number, 1 or more", what, text)
		}
		if item == "*" {
			continue
		}
		ends := strings.Split(item, "..")
		if len(ends) > 2 {
			return fmt.Errorf("%s %q: a range is FROM..TO", what, text)
		}
		for _, end := range ends {
			if n, err := strconv.Atoi(end); err != nil || n < lowest || n > highest {
				return fmt.Errorf("%s %q: expected *, or numbers from %d to %d", what, text, lowest, highest)
			}
		}
	}
	return nil
}
