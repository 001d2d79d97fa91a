package backup

import "time"

// Skew is how far the machines' clocks may be apart. What is dated further ahead was dated by a clock that was wrong, or is looked at
// with one that is.
const Skew = 5 * time.Minute

// ahead reports whether a time is in the future. What is dated so is not the latest that there is: else nothing would be due, and
// nothing newer, until that time has come.
func ahead(at, now time.Time) bool { return at.After(now.Add(Skew)) }

// later reports whether a was after b, as far as times can be believed: what is dated ahead counts as before all that is not.
func later(a, b, now time.Time) bool {
	if ahead(a, now) != ahead(b, now) {
		return ahead(b, now)
	}
	return a.After(b)
}

// Ahead reports whether the turn is dated in the future.
func (t *Turn) Ahead(now time.Time) bool { return t != nil && ahead(t.Began, now) }

// newer reports whether t was after other, which may be nil.
func (t *Turn) newer(other *Turn, now time.Time) bool {
	return other == nil || later(t.Began, other.Began, now)
}
