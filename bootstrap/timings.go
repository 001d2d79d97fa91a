package bootstrap

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/statedir"
)

// timings are how long stages took, on which node, in this run. Stages may run side by side.
type timings struct {
	sync.Mutex
	all []statedir.Timing
}

func (t *timings) add(stage, node string, began time.Time) {
	t.Lock()
	defer t.Unlock()
	t.all = append(t.all, statedir.Timing{Stage: stage, Node: node, Started: began, Took: time.Since(began)})
}

// keepTimings merges what this run has measured into what earlier ones have: the last of each stage on each node counts.
func (r *Run) keepTimings() error {
	kept, err := r.dir.Timings()
	if err != nil {
		return err
	}
	r.times.Lock()
	defer r.times.Unlock()
	for _, now := range r.times.all {
		kept = slices.DeleteFunc(kept, func(t statedir.Timing) bool { return t.Stage == now.Stage && t.Node == now.Node })
		kept = append(kept, now)
	}
	slices.SortFunc(kept, func(a, b statedir.Timing) int {
		return strings.Compare(a.Stage+"\x00"+a.Node, b.Stage+"\x00"+b.Node)
	})
	return errors.Join(r.dir.PutTimings(kept))
}

// estimate is how long a stage should take on those nodes at once, from how long it took on them before, or else on any;
// 0 where it was never measured.
func estimate(kept []statedir.Timing, stage string, nodes []string) (long time.Duration) {
	var any time.Duration
	for _, t := range kept {
		if t.Stage != stage {
			continue
		}
		any = max(any, t.Took)
		if slices.Contains(nodes, t.Node) {
			long = max(long, t.Took)
		}
	}
	if long == 0 {
		return any
	}
	return long
}
