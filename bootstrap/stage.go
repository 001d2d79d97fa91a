package bootstrap

import (
	"context"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// stage runs one named part of the course and tells its beginning and end.
func (r *Run) stage(name string, do func(event.Sink) error) error {
	sink, began := event.On(r.Sink, "", name), time.Now()
	sink.Emit(event.Event{Kind: event.Started})
	if err := do(sink); err != nil {
		sink.Emit(event.Event{Kind: event.Failed, Message: err.Error()})
		return err
	}
	sink.Emit(event.Event{Kind: event.Done})
	r.times.add(name, "", began)
	return nil
}

// within bounds one wait by the run's timeout.
func (r *Run) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.timeout())
}

// withinAfter bounds one wait by the run's timeout, counted from when since is closed.
func (r *Run) withinAfter(ctx context.Context, since <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-since:
		}
		timer := time.NewTimer(r.timeout())
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
			cancel(context.DeadlineExceeded)
		}
	}()
	return ctx, func() { cancel(nil) }
}

// eachStage runs do on every machine in parallel as one stage, telling each machine's beginning and end.
func (r *Run) eachStage(name string, machines []*machine, do func(*machine, event.Sink) error) error {
	if len(machines) == 0 {
		return nil
	}
	return r.stage(name, func(sink event.Sink) error {
		return each(machines, func(m *machine) error {
			own, began := event.On(sink, m.node.Name, name), time.Now()
			own.Emit(event.Event{Kind: event.Started, Time: time.Now()})
			if err := do(m, own); err != nil {
				own.Emit(event.Event{Kind: event.Failed, Message: err.Error()})
				return err
			}
			own.Emit(event.Event{Kind: event.Done})
			r.times.add(name, m.node.Name, began)
			return nil
		})
	})
}
