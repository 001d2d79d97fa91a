package bootstrap

import (
	"context"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
)

// DrillLeaderLoss kills etcd on the machine where it leads, as a crash would, and waits until the kubelet has started it again.
func (r *Run) DrillLeaderLoss(ctx context.Context, d Drill) (*drill.Report, error) {
	return r.brokenBy(ctx, "leader-loss", 3, d, course{run: func(ctx context.Context, d *drilling) error {
		// Not before: it may have become another since.
		m, err := d.leading(ctx)
		if err != nil {
			return err
		}
		only := []*machine{m}
		err = d.eachStage("kill", only, func(m *machine, _ event.Sink) error {
			d.rec.Broke("etcd's leader was killed", false, m.node.Name)
			return m.agent.Kill(ctx, "etcd")
		})
		if err != nil {
			return err
		}
		return d.comeBack(ctx, only)
	}})
}
