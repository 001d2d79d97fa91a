package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/status"
)

// A recovery that stands half way is gone on with, unless the cluster has come back meanwhile: then it can be called off.

// goOn is the recovery that stands half way, with what there is to say of the others now.
func (r *Run) goOn(ctx context.Context, p *Recovery, from string) (*Recovery, error) {
	p.GoesOn = true
	if err := r.mayGoOn(p, from); err != nil {
		return nil, err
	}
	p.Others = r.others(p.Survivor, nil)
	return p, r.stage("quorum", func(event.Sink) error { return r.guardLiving(ctx, p) })
}

// mayGoOn refuses to go on with a recovery by another member than that which it was begun with.
func (r *Run) mayGoOn(p *Recovery, from string) error {
	if from != "" && from != p.Survivor {
		return &RecoveryError{"the recovery was begun from " + p.Survivor + ", and must be finished from there", "leave --from out", true}
	}
	m := r.planeOf(p.Survivor)
	if m == nil || m.host == nil {
		return &RecoveryError{"the recovery was begun from " + p.Survivor + ", which does not answer", "bring it back: what its etcd had before lies aside there", true}
	}
	return nil
}

// guardLiving refuses to go on where enough of the others have come back with their data: a majority holds all that was ever
// acknowledged, and may have decided more since.
func (r *Run) guardLiving(ctx context.Context, p *Recovery) error {
	back, err := r.backWithData(ctx, p)
	if err != nil || !p.needless(back) {
		return err
	}
	names := list(named(back))
	what := fmt.Sprintf("%s came back with data: with %s that is a majority of etcd's %d voters, and nothing needs to be recovered", names, p.Survivor, p.voters())
	if p.Forced {
		what = fmt.Sprintf("%s came back with data and are a majority of etcd's %d voters, while %s is a cluster of its own by now", names, p.voters(), p.Survivor)
	}
	return &RecoveryError{what, fmt.Sprintf("%s --abandon calls the recovery off; to go on nevertheless, switch off for good %s", r.recoverCommand(), names), true}
}

// needless reports whether the cluster is whole enough without a recovery, now that those are back.
func (p *Recovery) needless(back []*machine) bool {
	whole := len(back)
	if !p.Forced && whole > 0 {
		whole++ // the survivor is still one of them
	}
	return whole > p.voters()/2
}

// backWithData are the other control planes of the cluster that answer and have their data where etcd looks for it.
func (r *Run) backWithData(ctx context.Context, p *Recovery) (back []*machine, err error) {
	var mu sync.Mutex
	err = each(r.planes(), func(m *machine) error {
		if m.node.Name == p.Survivor || m.host == nil || m.facts.Cluster != r.certs.ClusterID() {
			return nil
		}
		data, err := hasData(ctx, m)
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		mu.Lock()
		defer mu.Unlock()
		if data {
			back = append(back, m)
		}
		return nil
	})
	slices.SortFunc(back, func(a, b *machine) int { return strings.Compare(a.node.Name, b.node.Name) })
	return back, err
}

// PlanAbandon is the recovery that stands half way, if it can be called off without a loss of the cluster's: its survivor is what it
// was, or the others are the cluster. It changes nothing.
func (r *Run) PlanAbandon(ctx context.Context) (*Recovery, error) {
	p, found, err := r.openRecovery(ctx)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &RecoveryError{"no recovery stands half way", "there is nothing to call off", false}
	}
	if err := r.mayGoOn(p, ""); err != nil || !p.Forced {
		return p, err
	}
	back, err := r.backWithData(ctx, p)
	if err == nil && !p.needless(back) {
		err = &RecoveryError{p.Survivor + " is a cluster of its own already, and the others are no majority that has its data", "finish the recovery: " + r.recoverCommand(), true}
	}
	return p, err
}

// Abandon calls a recovery off, as PlanAbandon found out: the survivor gets its manifests back or, where it is a cluster of its own
// already, its data is moved aside, so that apply takes it in again as one that lost it. It may be run again at any moment.
func (r *Run) Abandon(ctx context.Context, p *Recovery) error {
	err := r.eachStage("abandon", []*machine{r.planeOf(p.Survivor)}, func(m *machine, sink event.Sink) error {
		if p.Forced {
			return r.setDataAside(ctx, m, sink)
		}
		return errors.Join(r.putManifest(ctx, m, "etcd", p.Etcd, sink), r.putManifest(ctx, m, apiServer, p.APIServer, sink))
	})
	if err != nil {
		return err
	}
	if p.Forced {
		if err := r.stage("quorum", func(sink event.Sink) error { return r.waitWithout(ctx, p, sink) }); err != nil {
			return err
		}
	}
	return r.dir.Drop(recoveryFile)
}

// waitWithout waits until the others decide again: they had stopped, since the survivor told them that they were removed.
func (r *Run) waitWithout(ctx context.Context, p *Recovery, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink, check.Condition{Name: "the others have a leader", Test: func(ctx context.Context) error {
		back, err := r.backWithData(ctx, p)
		for _, m := range back {
			_, leader, knownErr := r.knownTo(ctx, m)
			if knownErr == nil && leader {
				return nil
			}
			err = errors.Join(err, knownErr)
		}
		return cmp.Or(err, errors.New("none of them has"))
	}})
}

// statusRecovery tells of a recovery that stands half way.
func (r *Run) statusRecovery(s *status.Status) error {
	err := r.guardRecovery()
	if half := new(RecoveryError); errors.As(err, &half) {
		s.Problems = append([]status.Problem{{What: half.what, Remedy: half.remedy}}, s.Problems...)
		return nil
	}
	return err
}
