package bootstrap

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/drill"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// behind is how far the survivor may be behind those that are lost: what it had not heard of yet is lost with them.
const behind = time.Second

// DrillQuorumLoss takes etcd from a majority of the control planes, for good as far as the cluster can know: their manifests and data are
// moved aside. Then it recovers etcd from what is left, and lets the others join anew.
func (r *Run) DrillQuorumLoss(ctx context.Context, d Drill) (*drill.Report, error) {
	return r.brokenBy(ctx, "quorum-loss", 3, d, course{choose: chooseMajority, run: loseQuorum})
}

// chooseMajority takes the leader and as many others as make a majority. A file that says something else than what runs is refused: the
// others join by an apply.
func chooseMajority(ctx context.Context, d *drilling) error {
	looker := d.beside(d.Sink)
	defer looker.disconnect()
	p, err := looker.Plan(ctx)
	if err != nil {
		return err
	}
	if !p.Empty() {
		return errors.New("the cluster is not what its file says, and a drill changes nothing but what it breaks: slipway plan shows how they differ, slipway apply makes them agree")
	}
	leader, err := d.leading(ctx)
	if err != nil {
		return err
	}
	planes := d.controlPlanes()
	d.victims = []*machine{leader}
	for _, m := range slices.Backward(planes) {
		if m != leader && len(d.victims) < len(planes)/2+1 {
			d.victims = append(d.victims, m)
		}
	}
	return nil
}

func loseQuorum(ctx context.Context, d *drilling) error {
	kept := time.Now().Add(-behind)
	d.rec.Broke("etcd and its data were taken away", false, named(d.victims)...)
	aside := "drill-" + kept.UTC().Format("20060102T150405Z")
	// From here on an interruption would leave a cluster without quorum: what is broken is brought back first.
	after := context.WithoutCancel(ctx)
	err := d.eachStage("take away", d.victims, func(m *machine, sink event.Sink) error {
		if err := m.agent.Kill(after, "etcd"); err != nil {
			return err
		}
		if err := m.agent.Halt(after, node.Halt{Pods: []string{"etcd", apiServer}, Aside: aside, Grace: stopGrace}, sink); err != nil {
			return err
		}
		return d.setDataAside(after, m, sink)
	})
	if err != nil {
		return err
	}
	d.api.Rewind(kept) // there is no majority that could acknowledge anything
	if err := d.recoverEtcd(after); err != nil {
		return err
	}
	if err := d.growBack(after); err != nil {
		return err
	}
	return d.comeBack(after, d.controlPlanes())
}

// recoverEtcd makes a cluster of what is left, as slipway etcd recover does.
func (d *drilling) recoverEtcd(ctx context.Context) error {
	r := d.beside(d.Sink)
	defer r.disconnect()
	p, err := r.PlanRecovery(ctx, Recovering{})
	if err != nil {
		return err
	}
	return r.Recover(ctx, p)
}

// growBack lets the others join anew, as slipway apply does.
func (d *drilling) growBack(ctx context.Context) error {
	d.rec.Mended()
	r := d.beside(d.Sink)
	defer r.disconnect()
	p, err := r.Plan(ctx)
	if err != nil {
		return err
	}
	return r.Apply(ctx, p)
}
