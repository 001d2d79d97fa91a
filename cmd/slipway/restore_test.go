package main

import (
	"strings"
	"testing"

	"github.com/slipway/slipway/bootstrap"
)

func TestRestoreLoss(t *testing.T) {
	live := func(revision int64) *bootstrap.Live { return &bootstrap.Live{Revision: revision, Keys: 7} }
	for name, c := range map[string]struct {
		plan bootstrap.RestorePlan
		want string
	}{
		"some writes":          {bootstrap.RestorePlan{Revision: 1000, Live: live(1025)}, "7 keys at revision 1025: 25 writes since the archive was taken are LOST"},
		"nobody answers":       {bootstrap.RestorePlan{Revision: 1000}, "is not known, and LOST"},
		"an archive ahead":     {bootstrap.RestorePlan{Revision: 1000, Live: live(10)}, "which the archive is ahead of"},
		"restored in between":  {bootstrap.RestorePlan{Revision: 1000, Live: live(1_000_005_000)}, "of a cluster that was restored since the archive was taken: all that was written since is LOST"},
		"restored, goes on":    {bootstrap.RestorePlan{Revision: 1000, Live: live(1025), Resumes: true}, "goes on"},
		"restored from a late": {bootstrap.RestorePlan{Revision: 1_000_005_000, Live: live(1_000_005_010)}, "10 writes since"},
	} {
		if got := restoreLoss(&c.plan); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q does not say %q", name, got, c.want)
		}
	}
}
