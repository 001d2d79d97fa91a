package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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
}

// PlanRecovery finds out whether etcd has lost its quorum for good, and from which member it can be recovered. It changes nothing.
func (r *Run) PlanRecovery(ctx context.Context, how Recovering) (*Recovery, error) {
	p, err := r.planRecovery(ctx, how.From)
	if err != nil {
		return nil, err
	}
	return p, r.guardHere(ctx, p, how.Gone)
}

func (r *Run) planRecovery(ctx context.Context, from string) (*Recovery, error) {
	kept, begun, err := r.openRecovery(ctx)
	if err != nil {
		return nil, err
	}
	if begun {
		return r.goOn(ctx, kept, from)
	}
	err = r.stage("quorum", func(event.Sink) error { return r.guardQuorum(ctx) })
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
	p, err := r.choose(members, from)
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

// survivor is a member that answers.
type survivor struct {
	m      *machine
	index  uint64 // 0 where it does not tell
	leader bool   // it knows of one
}

func (r *Run) survivors(ctx context.Context) (out []survivor, err error) {
	var mu sync.Mutex
	err = each(r.planes(), func(m *machine) error {
		if m.host == nil || m.facts.Cluster != r.certs.ClusterID() {
			return nil
		}
		if _, leader, err := r.knownTo(ctx, m); err == nil {
			index, learner := r.decided(ctx, m)
			mu.Lock()
			defer mu.Unlock()
			if !learner {
				out = append(out, survivor{m, index, leader})
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b survivor) int {
		return cmp.Or(cmp.Compare(b.index, a.index), strings.Compare(a.m.node.Name, b.m.node.Name))
	})
	return out, err
}

// decided is the index up to which m's member knows what was decided, and whether it is a learner. It is 0 of one that has started
// without quorum: it does not tell.
func (r *Run) decided(ctx context.Context, m *machine) (index uint64, learner bool) {
	client, err := r.member(m)
	if err != nil {
		return 0, false
	}
	s, err := client.Status(ctx)
	if errors.Join(err, client.Close()) != nil {
		return 0, false
	}
	return s.RaftIndex, s.Learner
}

// choose makes the recovery from the member that knows most, or from the one that is named.
func (r *Run) choose(members []survivor, from string) (*Recovery, error) {
	at := 0
	if from != "" {
		at = slices.IndexFunc(members, func(s survivor) bool { return s.m.node.Name == from })
	}
	if at < 0 || len(members) == 0 {
		return nil, &RecoveryError{"no member answers on " + cmp.Or(from, "any control plane"), "name one of those whose etcd runs, or leave --from out", false}
	}
	if from == "" && len(members) > 1 && members[len(members)-1].index == 0 {
		return nil, &RecoveryError{"several members live, and not all of them tell how much they know, since they have started without quorum", "name one with --from; what the others have is moved aside, not deleted", false}
	}
	out := &Recovery{Survivor: members[at].m.node.Name, Index: members[at].index, Begun: time.Now().UTC().Truncate(time.Second)}
	if !r.declares(out.Survivor) {
		return nil, &RecoveryError{out.Survivor + " has the data, and is not in the file", "put it back into the file until another has joined", false}
	}
	out.Others = r.others(out.Survivor, members)
	return out, nil
}

// others says of the control planes but the named survivor what becomes of them.
func (r *Run) others(name string, members []survivor) (out []Other) {
	for _, m := range r.planes() {
		if m.node.Name == name {
			continue
		}
		other := Other{Name: m.node.Name, Address: m.node.Address.String()}
		i := slices.IndexFunc(members, func(s survivor) bool { return s.m == m })
		switch {
		case m.host == nil:
			other.Is, other.Silent = "does not answer", true
		case i >= 0:
			other.Is = fmt.Sprintf("its member lives at index %d: it is stopped, and its data moved aside", members[i].index)
		case m.facts.Cluster == r.certs.ClusterID():
			other.Is = "its etcd and API server are stopped, and what data it has is moved aside"
		default:
			other.Is = "is in no cluster, and stays as it is"
		}
		out = append(out, other)
	}
	return out
}

func (r *Run) planeOf(name string) *machine {
	for _, m := range r.planes() {
		if m.node.Name == name {
			return m
		}
	}
	return nil
}
