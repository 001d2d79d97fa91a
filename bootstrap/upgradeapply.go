package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
)

// UpgradeApply begins a change of version on this control plane, or goes on with it here. Everything that can refuse, the
// snapshot and the images come first; then, in this machine's turn, the version is declared and the machine changed as an apply would.
// A machine that does not come through is a *RolloutError, and is put back, with the declaration if it was the first.
func (r *Run) UpgradeApply(ctx context.Context, to string) (u Upgraded, err error) {
	heard, err := r.meet(ctx)
	if err != nil {
		return u, err
	}
	if c := r.change; c != nil && c.To == to && c.By != r.Here {
		return u, &UpgradeError{c.String(), "on this machine, go on with: slipway upgrade node"}
	}
	if err := r.aim(to); err != nil {
		return u, err
	}
	if r.rollout == nil {
		return Upgraded{Version: to, Finished: true}, nil
	}
	defer func() { err = errors.Join(err, r.keepTimings()) }()
	first := r.rollout.Begun.IsZero()
	if err := r.prepare(ctx); err != nil {
		return u, err
	}
	if first {
		if err := r.judge(ctx, append(r.guards(), r.guardLevel)...); err != nil {
			return u, err
		}
	}
	if err := r.keepSnapshot(ctx); err != nil {
		return u, err
	}
	if err := r.bring(ctx); err != nil {
		return u, err
	}
	err = r.inUpgradesTurn(ctx, func(ctx context.Context) error {
		if heard {
			if err := r.declareHere(ctx); err != nil {
				return err
			}
		}
		err := r.rollHere(ctx)
		if failed := new(RolloutError); errors.As(err, &failed) && failed.back == nil {
			return errors.Join(err, r.withdraw(ctx))
		}
		return err
	})
	if err != nil {
		return u, err
	}
	if !heard {
		if err := r.catchUpDeclaring(ctx); err != nil {
			return u, err
		}
	}
	return r.arrived(ctx)
}

// UpgradeNode takes this control plane to the version that the cluster is on its way to.
func (r *Run) UpgradeNode(ctx context.Context) (u Upgraded, err error) {
	heard, err := r.meet(ctx)
	if err != nil {
		return u, err
	}
	if err := r.aim(""); err != nil {
		return u, err
	}
	if r.rollout == nil {
		return Upgraded{Version: r.Cluster.Kubernetes, Finished: true}, nil
	}
	defer func() { err = errors.Join(err, r.keepTimings()) }()
	if err := r.prepare(ctx); err != nil {
		return u, err
	}
	before, err := r.journal()
	if err != nil {
		return u, err
	}
	// One that was cut off here is let go on: what it lacks may be what this run is to mend.
	if goesOn := before.under() && before.To == r.rollout.To; heard && !goesOn && len(r.machines[0].changes) > 0 {
		if err := r.judge(ctx, r.guardMembers, r.guardSkew, r.guardCertificates, r.guardDisk); err != nil {
			return u, err
		}
	}
	if err := r.dir.Put(rolloutFile, r.rollout); err != nil {
		return u, err
	}
	if err := r.bring(ctx); err != nil {
		return u, err
	}
	if err := r.inUpgradesTurn(ctx, r.rollHere); err != nil {
		return u, err
	}
	return r.arrived(ctx)
}

// prepare opens the bundle and finds out what is to change here. What this machine would lose otherwise is kept.
func (r *Run) prepare(ctx context.Context) error {
	if err := r.openBundle(); err != nil {
		return err
	}
	warnings, err := r.examine(ctx)
	if err != nil {
		return err
	}
	for _, text := range warnings {
		r.Sink.Emit(event.Event{Kind: event.Warning, Message: text})
	}
	return errors.Join(r.dir.Save(r.certs), r.rememberMembers())
}

// bring brings what this machine lacks to it, and lets it take in images, which disturbs nothing.
func (r *Run) bring(ctx context.Context) error {
	here := r.changed(r.machines[:1])
	if err := r.send(ctx, here); err != nil {
		return err
	}
	return r.fetchAhead(ctx, here)
}

// rollHere changes this machine, and waits until it is as it must be before another is changed.
func (r *Run) rollHere(ctx context.Context) error {
	here := r.machines[0]
	if len(here.changes) > 0 {
		err := r.eachStage("control-planes", []*machine{here}, func(m *machine, sink event.Sink) error { return r.rollControlPlane(ctx, m, sink) })
		if err != nil {
			return err
		}
	}
	return r.stage("ready", func(sink event.Sink) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		all := append(r.whole(here), r.nodeConditions(here)...)
		if e := r.endpointCondition(); e != nil {
			all = append(all, *e)
		}
		return check.Wait(ctx, sink, all...)
	})
}

// arrived remembers that this machine is at its version, finishes the change if it was the last, and tells how far it has come.
func (r *Run) arrived(ctx context.Context) (u Upgraded, err error) {
	j := *r.rollout
	j.Finished = time.Now().UTC().Truncate(time.Second)
	if err := errors.Join(r.keepDeclaration(), r.dir.Put(appliedFile, wished(r.Cluster)), r.dir.Put(rolloutFile, &j)); err != nil {
		return u, err
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return u, err
	}
	if u, err = r.behind(ctx, client, r.rollout.To); err != nil {
		return u, err
	}
	u.Changed = len(r.machines[0].changes) > 0
	if len(u.ControlPlanes)+len(u.Workers) > 0 {
		return u, nil
	}
	u.Finished, u.Changed = true, true
	return u, r.finishUpgrade(ctx, client)
}

// drain takes pods off a worker, by the rights that this run has.
func (r *Run) drain(ctx context.Context, client *kube.Client, name string, sink event.Sink) error {
	if r.asked == nil {
		return client.Drain(ctx, name, r.Cluster.Upgrade.DrainTimeout)
	}
	return client.DrainSelf(ctx, name, r.Cluster.Upgrade.DrainTimeout, func(left []string) {
		sink.Emit(event.Event{Kind: event.Waiting, Subject: "drain", Message: fmt.Sprintf("%d pods are still here, such as %s", len(left), left[0])})
	})
}
