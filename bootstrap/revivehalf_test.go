package bootstrap

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/host"
	"github.com/slipway/slipway/internal/status"
)

// holder is a machine on which whatever is looked for is there.
type holder struct{ host.Host }

func (holder) Run(_ context.Context, c host.Command) error {
	_, err := io.WriteString(c.Stdout, "yes\n")
	return err
}

// TestGuardLiving: a recovery is not gone on with while those that were lost are back with their data and may be the cluster.
func TestGuardLiving(t *testing.T) {
	for name, c := range map[string]struct {
		back   bool
		p      Recovery
		refuse string
	}{
		"nobody came back":             {false, Recovery{Voters: 3}, ""},
		"one did, with the survivor 2": {true, Recovery{Voters: 3}, "cp-2 came back with data: with cp-1 that is a majority of etcd's 3 voters"},
		"voters are not known":         {true, Recovery{Others: make([]Other, 2)}, "3 voters"},
		"no majority yet":              {true, Recovery{Voters: 5}, ""},
		"one, which is no majority":    {true, Recovery{Voters: 3, Forced: true}, ""},
		"one that was the only voter":  {true, Recovery{Voters: 1, Forced: true}, "while cp-1 is a cluster of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			r := threePlanes(t)
			if c.back {
				r.machines[1].host = holder{r.machines[1].host}
			}
			c.p.Survivor = "cp-1"
			err := r.guardLiving(t.Context(), &c.p)
			half := new(RecoveryError)
			switch {
			case c.refuse == "" && err != nil:
				t.Error(err)
			case c.refuse != "" && (!errors.As(err, &half) || !half.Half || !strings.Contains(err.Error(), c.refuse) || !strings.Contains(half.Remedy(), "--abandon calls")):
				t.Errorf("%v", err)
			}
		})
	}
}

// TestTellsHalfRecovered: status tells of it, and a restore that stands half way comes first.
func TestTellsHalfRecovered(t *testing.T) {
	r := threePlanes(t)
	s := &status.Status{}
	if err := r.statusRecovery(s); err != nil || len(s.Problems) != 0 {
		t.Errorf("%v, %+v", err, s.Problems)
	}
	if err := r.dir.Put(recoveryFile, &Recovery{Survivor: "cp-1", Begun: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := r.statusRecovery(s); err != nil || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].What, "the recovery of etcd from cp-1 stands half way") {
		t.Errorf("%v, %+v", err, s.Problems)
	}
	if err := r.dir.Save(r.certs); err != nil {
		t.Fatal(err)
	}
	if err := r.dir.Put(restoreFile, &restoration{Begun: time.Now()}); err != nil {
		t.Fatal(err)
	}
	restored := new(RestoreError)
	if _, err := r.PlanRecovery(t.Context(), Recovering{}); !errors.As(err, &restored) {
		t.Errorf("during a restore: %v", err)
	}
}
