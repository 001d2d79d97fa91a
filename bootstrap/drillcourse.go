package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/load"
	"github.com/slipway/slipway/internal/spec"
)

// course is what is done to a cluster while load runs.
type course struct {
	choose func(context.Context, *drilling) error // whom to hurt, before there is load; refuses what must not be hurt. Or nil
	run    func(context.Context, *drilling) error
	weight int  // bytes by which what is written is made heavier
	away   bool // whom it hurts nobody reaches, so that a pod there that does not answer is no news
}

// drilling is a drill under way.
type drilling struct {
	*Run
	Drill
	does    course
	victims []*machine // chosen
	rec     *drill.Recorder
	roads   []*road // of the drill's own, in the order of the file
	api     *load.API
	access  load.Access
	url     string         // of the canary's Service
	image   string         // that the canary runs
	before  load.Inventory // of what is compared
	owned   map[string]bool
	looks   sync.WaitGroup // what goes on beside the load
}

// cleaning is how long a drill that ends may take to look at what is left and to remove what it made, also when it was
// interrupted.
const cleaning = 3 * time.Minute

// underLoad prepares, lets course happen to the cluster while load runs, and reports.
func (r *Run) underLoad(ctx context.Context, how Drill, about drill.Report, c course) (*drill.Report, error) {
	d := &drilling{Run: r, Drill: how, does: c}
	for _, m := range r.machines {
		d.roads = append(d.roads, &road{m: m, connect: r.reach})
		about.Nodes = append(about.Nodes, drill.Machine{Name: m.node.Name, Role: string(m.node.Role)})
	}
	defer d.closeRoads()
	if err := d.clear(ctx); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, &about); err != nil {
		return nil, errors.Join(err, d.clear(context.WithoutCancel(ctx)))
	}
	shown := r.Sink
	defer func() { r.Sink = shown }()
	r.Sink = event.SinkFunc(func(e event.Event) {
		d.rec.Emit(e)
		d.refit(ctx, e)
		shown.Emit(e)
	})

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	defer unwatch()
	if err := d.api.Watch(watching); err != nil {
		return nil, errors.Join(err, d.clear(context.WithoutCancel(ctx)))
	}
	var requests sync.WaitGroup
	d.startLoad(running, &requests)
	d.startLooking(watching)

	err := d.calm(ctx, "calm before")
	if err == nil {
		err = d.does.run(ctx, d)
	}
	if ctx.Err() == nil {
		err = errors.Join(err, d.calm(ctx, "calm after"))
	}
	stop()
	requests.Wait()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleaning)
	defer cancel()
	d.verify(late, &about)
	unwatch()
	d.looks.Wait()
	if about.Interrupted = ctx.Err() != nil; about.Interrupted {
		err = fmt.Errorf("interrupted: the load has stopped, and the report is of what was seen until then: %w", ctx.Err())
	}
	if err != nil {
		about.Failure = strings.Join(strings.Fields(err.Error()), " ")
	}
	report := d.rec.Report(about)
	return report, errors.Join(err, d.clear(late))
}

// prepare makes everything ready for load: the drill's own namespace, the canary in it, and what there is to compare with.
func (d *drilling) prepare(ctx context.Context, about *drill.Report) error {
	return d.stage("prepare", func(sink event.Sink) error {
		ctx, cancel := d.within(ctx)
		defer cancel()
		client, err := d.anyAPI(ctx)
		if err != nil {
			return err
		}
		if d.does.choose != nil {
			if err := d.does.choose(ctx, d); err != nil {
				return err
			}
		}
		if d.owned, err = d.ours(); err != nil {
			return err
		}
		if d.before, err = load.Take(ctx, client.Typed, d.owned); err != nil {
			return err
		}
		if d.image, err = canaryImage(ctx, client); err != nil {
			return err
		}
		d.url, err = load.Settle(ctx, client.Typed, load.Canary{Image: d.image, Replicas: 2, Anywhere: len(d.Cluster.Workers()) < 2, Not: d.avoided()})
		if err != nil {
			return err
		}
		conditions := []check.Condition{{Name: "the canary runs", Test: func(ctx context.Context) error { return load.Running(ctx, client.Typed) }}}
		for _, w := range d.ways() {
			conditions = append(conditions, check.Condition{Name: "its Service answers", Node: w.Node, Test: func(ctx context.Context) error { return w.Answers(ctx, d.url) }})
		}
		if err := check.Wait(ctx, sink, conditions...); err != nil {
			return err
		}
		if err := d.aim(ctx, about); err != nil {
			return err
		}
		d.rec = drill.NewRecorder()
		if d.api, err = load.NewAPI(d.access, d.rec); err != nil {
			return err
		}
		d.api.Weight = d.does.weight
		return nil
	})
}

// clear removes what a drill put into the cluster, this one or one that was cut off.
func (d *drilling) clear(ctx context.Context) error {
	return d.stage("clear", func(sink event.Sink) error {
		ctx, cancel := context.WithTimeout(ctx, cleaning)
		defer cancel()
		var strange *load.StrangeError
		err := check.Wait(ctx, sink, check.Condition{Name: "nothing of a drill is in the cluster", Test: func(ctx context.Context) error {
			client, err := d.anyAPI(ctx)
			if err != nil {
				return err
			}
			if err = load.Clear(ctx, client.Typed); errors.As(err, &strange) {
				return nil // waiting would not help
			}
			return err
		}})
		if strange != nil {
			return strange
		}
		return err
	})
}

// calm shows what clients see while nothing is done.
func (d *drilling) calm(ctx context.Context, name string) error {
	if d.Calm == 0 {
		return nil
	}
	return d.pass(ctx, name, d.Calm)
}

// startLoad sends requests and polls until ctx ends.
func (d *drilling) startLoad(ctx context.Context, all *sync.WaitGroup) {
	all.Go(func() { d.api.Run(ctx, d.Rate) })
	all.Go(func() { load.Poll(ctx, d.rec, d.ways(), d.url, d.PollRate) })
}

// verify fills in what became of all that was written, and of what was there before.
func (d *drilling) verify(ctx context.Context, about *drill.Report) {
	why := d.stage("verify", func(event.Sink) error {
		client, err := d.anyAPI(ctx)
		if err != nil {
			return err
		}
		all := d.api.Verify(ctx, client.Typed)
		about.Writes, about.Watch, about.Loss = all.Writes, all.Watch, all.Loss
		after, err := load.Take(ctx, client.Typed, d.owned)
		if err != nil {
			about.Objects.Unchecked = err.Error()
			return nil
		}
		about.Objects = d.before.Compare(after)
		return nil
	})
	if why != nil {
		about.Writes.Unchecked, about.Watch.Unchecked, about.Objects.Unchecked = why.Error(), why.Error(), why.Error()
	}
}

// avoided are the nodes where the canary must not run.
func (d *drilling) avoided() []string {
	if !d.does.away {
		return nil
	}
	return named(d.victims)
}

// ways are those to the Service: kube-proxy runs on every node.
func (d *drilling) ways() []load.Way {
	var out []load.Way
	for _, r := range d.roads {
		if r.m.node.Role != spec.LoadBalancer {
			out = append(out, load.Way{Node: r.m.node.Name, Dial: r.Dial, Open: r.Open})
		}
	}
	return slices.Clip(out)
}
