package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/store"
)

// night is a turn of that many nights after the first.
func night(n int, archive string) *Turn {
	return &Turn{Node: "cp-1", Began: time.Date(2026, 1, n, 2, 0, 0, 0, time.UTC), Archive: archive}
}

// left are the names in a directory.
func left(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestTheLastProvenStays: that its sum is right says of an archive that it is as it was written, and not that it can be restored.
func TestTheLastProvenStays(t *testing.T) {
	against := night(9, "d.slipway")
	against.Error, against.Against = "the restored data is not what cp-1 held", true
	before := night(9, "")
	before.Error = "no route to the object store"
	for name, c := range map[string]struct {
		history  History
		unproven bool
		left     []string
		withheld bool
	}{
		"no proof yet":                      {History{}, false, []string{"c.slipway", "d.slipway"}, false},
		"an old one is proven":              {History{Proven: night(2, "a.slipway")}, false, []string{"a.slipway", "c.slipway", "d.slipway"}, false},
		"one is proven that stays":          {History{Proven: night(3, "c.slipway")}, false, []string{"c.slipway", "d.slipway"}, false},
		"one is proven that lies elsewhere": {History{Proven: night(3, "x.slipway")}, false, []string{"c.slipway", "d.slipway"}, false},
		"the last is no good":               {History{Proven: night(2, "a.slipway"), ProofFailed: against}, false, []string{"a.slipway", "b.slipway", "c.slipway", "d.slipway"}, true},
		"none was ever good":                {History{ProofFailed: against}, false, []string{"a.slipway", "b.slipway", "c.slipway", "d.slipway"}, true},
		"one was good after it":             {History{Proven: night(10, "d.slipway"), ProofFailed: against}, false, []string{"c.slipway", "d.slipway"}, false},
		"it failed before it saw any":       {History{Proven: night(2, "a.slipway"), ProofFailed: before}, false, []string{"a.slipway", "c.slipway", "d.slipway"}, false},
		"what was proven is not known":      {History{lost: errors.New("d.slipway by cp-1 at 2026-01-09 02:00:00 UTC")}, false, []string{"a.slipway", "b.slipway", "c.slipway", "d.slipway"}, true},
		"nobody proves any more":            {History{ProofFailed: against}, true, []string{"c.slipway", "d.slipway"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, name := range []string{"a", "b", "c", "d"} {
				put(t, filepath.Join(dir, name+".slipway"), "ours", i)
			}
			deleted, withheld, err := Retain(t.Context(), store.Dir(dir), c.history.Retention("ours", "d.slipway", 2, !c.unproven))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.left, left(t, dir)); diff != "" || len(deleted) != 4-len(c.left) {
				t.Error(diff, deleted)
			}
			if (withheld != "") != c.withheld || c.withheld && !strings.Contains(withheld, fmt.Sprintf("d.slipway by cp-1 at %s", "2026-01-09 02:00:00 UTC")) {
				t.Errorf("withheld: %q", withheld)
			}
		})
	}
}
