package bootstrap

import (
	"context"
	"time"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
)

// DrillEtcdRestore takes a snapshot under load, lets d.For pass in which is written on, and restores it. The snapshot stays in the state
// directory: a drill that is killed while it restores is finished with it.
func (r *Run) DrillEtcdRestore(ctx context.Context, d Drill) (*drill.Report, error) {
	return r.brokenBy(ctx, "etcd-restore", 1, d, course{run: goBack})
}

func goBack(ctx context.Context, d *drilling) error {
	// The member that gives the snapshot has answered a linearizable read before: it has all that was acknowledged until now.
	kept := time.Now()
	taker := d.beside(d.Sink)
	defer taker.disconnect()
	taken, err := taker.SnapshotEtcd(ctx, Snapshotting{})
	if err != nil {
		return err
	}
	if err := d.pass(ctx, "write on", d.For); err != nil {
		return err
	}
	restorer := d.beside(event.SinkFunc(func(e event.Event) {
		switch {
		case e.Node != "" || e.Subject != "":
		case e.Stage == "stop" && e.Kind == event.Started:
			d.rec.Broke("etcd went back to a snapshot", false, named(d.controlPlanes())...)
		case e.Stage == "stop-etcd" && e.Kind == event.Done:
			d.api.Rewind(kept) // nothing answers now
		}
		d.Sink.Emit(e)
	}))
	defer restorer.disconnect()
	if _, err := restorer.PlanRestore(ctx, RestoreFrom{Path: taken.Path}); err != nil {
		return err
	}
	// From here on an interruption would leave the cluster half way: it comes to its end.
	after := context.WithoutCancel(ctx)
	if err := restorer.Restore(after); err != nil {
		return err
	}
	return d.comeBack(after, d.controlPlanes())
}
