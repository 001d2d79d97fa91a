package spec

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest is for names that are judged later than the file is loaded: what given was probably meant to be, as a sentence with a leading
// space, or "".
func Suggest(given string, known []string) string { return suggest(given, known) }

// suggest says what given was probably meant to be, as a sentence with a leading space, or "".
func suggest(given string, known []string) string {
	if best := closest(given, known); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}

// closest is the known name that given is a misspelling of, or "".
func closest(given string, known []string) string {
	best, least := "", 3 // HCL's own threshold: two edits away at most
	for _, k := range known {
		if strings.EqualFold(k, given) || strings.ReplaceAll(given, "-", "_") == strings.ReplaceAll(k, "-", "_") {
			return k
		}
		if d := levenshtein.Distance(given, k, nil); d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// anyOf joins names for a reader: `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
func anyOf(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
