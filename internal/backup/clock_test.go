package backup

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/store"
)

// weeksAhead is how far a clock was ahead, in hours after the first archive.
func weeksAhead() int {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return int(time.Since(first).Hours()) + 21*24
}

// TestOneClockAheadStopsNothing: a turn that is dated in the future does not count as the last one.
func TestOneClockAheadStopsNothing(t *testing.T) {
	now, asked := time.Now(), false
	m := &Maker{Due: func(context.Context, string, time.Time) (bool, error) {
		asked = true
		return false, nil
	}}
	due := func(before *Turn) bool {
		t.Helper()
		got, err := m.due(t.Context(), "hourly", before)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !due(nil) || !due(&Turn{Began: now.Add(21 * 24 * time.Hour)}) || asked {
		t.Error("without a turn before, or with one in the future, it is not due")
	}
	if due(&Turn{Began: now.Add(-time.Minute)}) || due(&Turn{Began: now.Add(time.Minute)}) || !asked {
		t.Error("the schedule is not asked, or clocks that are nearly right are not let be")
	}
	m.Due = func(context.Context, string, time.Time) (bool, error) { return false, errors.New("no such schedule") }
	if _, err := m.due(t.Context(), "x", &Turn{Began: now}); err == nil {
		t.Error("the schedule's error is lost")
	}
}

// TestMergeBelievesNoFuture: what is dated so gives way to what is not, and never the other way round.
func TestMergeBelievesNoFuture(t *testing.T) {
	now := time.Now()
	far, farther := &Turn{Began: now.Add(500 * time.Hour)}, &Turn{Began: now.Add(501 * time.Hour)}
	old, young := &Turn{Began: now.Add(-2 * time.Hour)}, &Turn{Began: now}
	for _, c := range []struct{ had, comes, want *Turn }{
		{far, young, young}, {young, far, young}, {old, young, young}, {young, old, young}, {far, farther, farther}, {nil, far, far}, {far, nil, far},
	} {
		h := History{Made: c.had, ProofFailed: c.had}
		h.Merge(History{Made: c.comes, ProofFailed: c.comes})
		if h.Made != c.want || h.ProofFailed != c.want {
			t.Errorf("%+v and then %+v: %+v", c.had, c.comes, h.Made)
		}
	}
}

// TestWhatWasJustMadeStays: neither an archive that is dated in the future, nor a clock that went back, deletes the one that was made,
// and the former pushes no other out.
func TestWhatWasJustMadeStays(t *testing.T) {
	dir := t.TempDir()
	for name, hours := range map[string]int{"a.slipway": 1, "b.slipway": 2, "made.slipway": 3, "future.slipway": weeksAhead()} {
		put(t, filepath.Join(dir, name), "ours", hours)
	}
	keep := func(made string, n int) (deleted []string) {
		t.Helper()
		deleted, _, err := Retain(t.Context(), store.Dir(dir), Retention{Cluster: "ours", Keep: n, Made: made})
		if err != nil {
			t.Fatal(err)
		}
		return deleted
	}
	if deleted := keep("made.slipway", 3); len(deleted) > 0 {
		t.Errorf("the future one pushed out %q", deleted)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "a.slipway")}, keep("made.slipway", 2)); diff != "" {
		t.Error(diff)
	}
	if deleted := keep("b.slipway", 1); len(deleted) > 0 { // made by a clock that went back
		t.Errorf("what was just made is deleted: %q", deleted)
	}
	keep("made.slipway", 1)
	if diff := cmp.Diff([]string{"future.slipway", "made.slipway"}, left(t, dir)); diff != "" {
		t.Error(diff)
	}
	list, err := Catalogue(t.Context(), store.Dir(dir), true)
	if err != nil || len(list) != 2 || list[0].Name != "made.slipway" || list[0].Ahead || !list[1].Ahead {
		t.Errorf("%+v, %v", list, err)
	}
	if newest, err := newestOf(list, archive.Cluster{ID: "ours"}, nil); err != nil || newest.Name != "made.slipway" {
		t.Errorf("%+v is to be proven, %v", newest, err)
	}
}
