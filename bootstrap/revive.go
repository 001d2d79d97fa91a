package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/statedir"
)

// Recovery is what it takes to make a cluster of the one member that is left. The state directory keeps it from before the first
// change until the last, so that a run which is cut off is gone on with, by the same member.
type Recovery struct {
	Survivor string    `json:"survivor"`
	Begun    time.Time `json:"begun"`
	Index    uint64    `json:"index"`  // of the last entry that the survivor knows to be decided
	Others   []Other   `json:"others"` // what there is to say of each other control plane
	Voters   int       `json:"voters"` // how many etcd had; 0 where an older program began it
	Forced   bool      `json:"forced"` // the survivor may be the only member already
	GoesOn   bool      `json:"-"`      // it was begun before, and cut off

	Etcd      []byte `json:"etcd"` // the survivor's manifests
	APIServer []byte `json:"apiServer"`
}

func (p *Recovery) voters() int { return cmp.Or(p.Voters, len(p.Others)+1) }

// Other is a control plane that is no member afterwards.
type Other struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Is      string `json:"is"`
	Silent  bool   `json:"silent"` // it does not answer, so that nothing can be done to it
}

const recoveryFile = "recovery"

// RecoveryError is a cluster that must not be recovered, or whose recovery must be finished first.
type RecoveryError struct {
	what, remedy string
	Half         bool // a recovery stands half way
}

func (e *RecoveryError) Error() string { return e.what }

// Remedy is the way on.
func (e *RecoveryError) Remedy() string { return e.remedy }

// guardRecovery refuses to change a cluster while its recovery stands half way.
func (r *Run) guardRecovery() error {
	var kept Recovery
	if begun, err := r.dir.Get(recoveryFile, &kept); err != nil || !begun {
		return err
	}
	return &RecoveryError{"the recovery of etcd from " + kept.Survivor + " stands half way, begun " + kept.Begun.Format(time.DateTime),
		"finish it: " + r.recoverCommand(), true}
}

// Recovering says what people know of a recovery.
type Recovering struct {
	From string   // the control plane whose member survives; "" for the one that knows most to be decided
	Gone []string // control planes that are dead for good, on a machine of a cluster that is made by hand
	// Shown is when a run before found that quorum is lost, having waited for an election; zero for never. Soon after, one look will do.
	Shown time.Time
}

// patience is how long to wait for an election.
func (how Recovering) patience() time.Duration {
	if !how.Shown.IsZero() && time.Since(how.Shown) < time.Minute {
		return 0
	}
	return electing
}

// PlanRecovery finds out whether etcd has lost its quorum for good, and from which member it can be recovered. It changes nothing.
func (r *Run) PlanRecovery(ctx context.Context, how Recovering) (*Recovery, error) {
	p, err := r.planRecovery(ctx, how)
	if err != nil {
		return nil, err
	}
	return p, r.guardHere(ctx, p, how.Gone)
}

func (r *Run) planRecovery(ctx context.Context, how Recovering) (*Recovery, error) {
	kept, begun, err := r.openRecovery(ctx)
	if err != nil {
		return nil, err
	}
	if begun {
		return r.goOn(ctx, kept, how.From)
	}
	err = r.stage("quorum", func(event.Sink) error { return r.guardQuorum(ctx, how.patience()) })
	lost := new(QuorumLostError)
	if err != nil && !errors.As(err, &lost) {
		return nil, err
	}
	members, findErr := r.survivors(ctx)
	switch {
	case findErr != nil:
		return nil, findErr
	case err == nil && len(members) == 0:
		return nil, &RecoveryError{"no etcd member answers on any control plane that does", "start one: systemctl start containerd kubelet on a machine that has /var/lib/etcd/member; slipway restore makes a cluster of a backup where no data is left", false}
	case err == nil && slices.ContainsFunc(members, func(s survivor) bool { return s.leader }):
		return nil, &RecoveryError{"etcd has its quorum: there is nothing to recover", "slipway status shows what is wrong; slipway apply mends it, and replaces control planes that are gone", false}
	case err == nil:
		return nil, &RecoveryError{"etcd has no leader, but a majority of its members still have their data on machines that answer", "they come to a quorum by themselves once they run and reach each other: see to ports 2379 and 2380 between them, and slipway apply starts what does not run", false}
	}
	p, err := r.choose(members, how.From)
	if err == nil {
		p.Voters = lost.Total
	}
	return p, err
}

// openRecovery connects to the control planes, and is the recovery that stands half way, if one does.
func (r *Run) openRecovery(ctx context.Context) (kept *Recovery, begun bool, err error) {
	if r.certs, err = r.stored(); errors.Is(err, statedir.ErrEmpty) {
		return nil, false, &RecoveryError{r.Cluster.StateDir + " knows no cluster", "run it where the cluster is applied from: its state directory holds the keys to etcd", false}
	} else if err != nil {
		return nil, false, err
	}
	if err := r.guardRestored(); err != nil { // the data of all control planes is about to be another
		return nil, false, err
	}
	kept = new(Recovery)
	if begun, err = r.dir.Get(recoveryFile, kept); err != nil {
		return nil, false, err
	}
	if r.Here != "" {
		err = r.reachHere(ctx, kept)
	} else {
		err = r.reachPlanes(ctx)
	}
	return kept, begun, err
}

// reachPlanes connects to all control planes that there were or are, as far as they answer.
func (r *Run) reachPlanes(ctx context.Context) error {
	return r.stage("connect", func(sink event.Sink) error {
		for _, n := range r.Cluster.ControlPlanes() {
			r.machines = append(r.machines, &machine{node: n})
		}
		if err := r.listLeaving(); err != nil {
			return err
		}
		return r.lookAround(ctx, r.planes())
	})
}

func (r *Run) planeOf(name string) *machine {
	for _, m := range r.planes() {
		if m.node.Name == name {
			return m
		}
	}
	return nil
}
