package bootstrap

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRestoreRevisions: later than any that a client can have seen, whoever knows of those.
func TestRestoreRevisions(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		before restoration
		live   *Live
		at     time.Time // the zero time is before all that there is
		base   int64
	}{
		"nothing answers":            {restoration{}, nil, time.Time{}, 4000 + leastBump},
		"it went on":                 {restoration{}, &Live{Revision: 9000}, time.Time{}, 9000 + leastBump},
		"it is behind":               {restoration{}, &Live{Revision: 100}, time.Time{}, 4000 + leastBump},
		"restored once":              {restoration{Begun: time.Now(), Finished: time.Now(), Base: leastBump}, nil, time.Time{}, 2 * leastBump},
		"nobody knows":               {restoration{}, nil, now, now.UnixMicro()},
		"it is ahead of the clock":   {restoration{}, &Live{Revision: now.UnixMicro() - 5}, now, now.UnixMicro() - 5 + leastBump},
		"restored once, and went on": {restoration{Begun: time.Now(), Finished: time.Now(), Base: leastBump}, &Live{Revision: leastBump + 77}, time.Time{}, 2*leastBump + 77},
	} {
		r, _ := restoringRun(t, nil)
		if err := errors.Join(r.dir.Put(restoreFile, c.before), r.resume(), r.count(c.live, c.at)); err != nil {
			t.Fatal(err)
		}
		if j := r.restore.journal; j.Base != c.base || j.Bump != c.base-4000 || !j.Finished.IsZero() {
			t.Errorf("%s: %+v, want base %d", name, j, c.base)
		}
	}
}

func TestRestoreResumes(t *testing.T) {
	r, _ := restoringRun(t, nil)
	j := r.restore.journal
	j.Begun, j.Bump, j.Base, j.Seeded = time.Now().UTC().Truncate(time.Second), 7, 4007, true
	if err := r.dir.Put(restoreFile, j); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.resume(), r.count(&Live{Revision: 1 << 40}, time.Now())); err != nil || !cmp.Equal(r.restore.journal, j) {
		t.Errorf("%v, %+v", err, r.restore.journal)
	}
	says(t, r.guard(), "stands half way")
	r.restore.source.sum = "another"
	says(t, r.resume(), "stands half way, of other data than that of")
	r.restore.source.sum = j.SHA256
	j.Members = "cp-9=https://10.0.0.19:2380"
	if err := r.dir.Put(restoreFile, j); err != nil {
		t.Fatal(err)
	}
	says(t, r.resume(), "the control planes in the file are others")
	r.restore.from.Anew = true
	if err := r.resume(); err != nil || r.restore.journal.Seeded || r.restore.journal.Base != j.Base {
		t.Errorf("%v, %+v", err, r.restore.journal)
	}
}
