package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/statedir"
)

// Drill says how a drill goes about it.
type Drill struct {
	Rate     float64       // requests of the API per second
	PollRate float64       // polls of the Service per second and node
	Calm     time.Duration // under load, before and after what is done to the cluster

	Node string        // that is hurt, where that can be chosen; "" for the one that hurts most
	For  time.Duration // for how long, or how long is written on before the cluster goes back
}

// DrillUpgrade takes the cluster to the version of r.Cluster, as Apply does, while load runs, and reports what clients saw. Once
// load has begun there is a report, also beside an error and when ctx ends: that of what was seen until then.
func (r *Run) DrillUpgrade(ctx context.Context, d Drill) (*drill.Report, error) {
	if err := r.guardTarget(); err != nil {
		return nil, err
	}
	p, err := r.Plan(ctx)
	if err != nil {
		return nil, err
	}
	if r.rollout == nil {
		return nil, nothingToUpgrade(r.Cluster.Kubernetes)
	}
	about := drill.Report{Drill: "upgrade", From: r.rollout.From, To: r.rollout.To}
	return r.underLoad(ctx, d, about, course{run: func(ctx context.Context, _ *drilling) error { return r.Apply(ctx, p) }})
}

// DrillWatch runs load for so long, changes nothing else, and reports what clients saw.
func (r *Run) DrillWatch(ctx context.Context, d Drill, long time.Duration) (*drill.Report, error) {
	if err := r.drillable(ctx); err != nil {
		return nil, err
	}
	return r.underLoad(ctx, d, drill.Report{Drill: "watch"}, course{run: func(ctx context.Context, _ *drilling) error { return r.pass(ctx, "watch", long) }})
}

// drillable connects to a cluster that there has to be.
func (r *Run) drillable(ctx context.Context) (err error) {
	if r.certs, err = r.stored(); errors.Is(err, statedir.ErrEmpty) {
		return fmt.Errorf("there is no cluster to drill: slipway apply -f %s makes one", r.Cluster.File)
	} else if err != nil {
		return err
	}
	return r.connect(ctx)
}

// guardTarget refuses a version that the cluster cannot go to, as a flag: the file may say another.
func (r *Run) guardTarget() error {
	var was applied
	if _, err := r.dir.Get(appliedFile, &was); err != nil {
		return err
	}
	var last rollout
	if _, err := r.dir.Get(rolloutFile, &last); err != nil {
		return err
	}
	to := r.Cluster.Kubernetes
	switch {
	case last.under() && last.Back:
		return &FlagError{"to", fmt.Errorf("the change from %s to %s is being taken back, and stands half way: slipway rollback finishes it", last.From, last.To)}
	case last.under() && last.To != to:
		return &FlagError{"to", fmt.Errorf("a change from %s to %s stands half way: --to %s finishes it", last.From, last.To, last.To)}
	case !last.under() && was.Kubernetes == to:
		return nothingToUpgrade(to)
	case !last.under() && was.Kubernetes != "" && hop(was.Kubernetes, to) != "":
		return &FlagError{"to", fmt.Errorf("the cluster runs %s, and goes up one minor version at a time and never back: from there it cannot go to %s. This slipway knows %s", was.Kubernetes, to, strings.Join(spec.SupportedKubernetes(), ", "))}
	}
	return nil
}

func nothingToUpgrade(to string) error {
	return &FlagError{"to", fmt.Errorf("the cluster runs %s already, so there is nothing to upgrade; slipway drill watch shows what clients see while you do something else", to)}
}

// pass lets time pass as a stage, so that what is seen meanwhile can be told from the rest.
func (r *Run) pass(ctx context.Context, name string, long time.Duration) error {
	return r.stage(name, func(sink event.Sink) error {
		timer, tick := time.NewTimer(long), time.NewTicker(time.Second)
		defer timer.Stop()
		defer tick.Stop()
		for gone := int64(0); ; gone++ {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-timer.C:
				return nil
			case <-tick.C:
				sink.Emit(event.Event{Kind: event.Progress, Subject: "seconds under load", Done: gone + 1, Total: int64(long / time.Second)})
			}
		}
	})
}
