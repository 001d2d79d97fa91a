package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/statedir"
)

// openEtcd reaches the control planes, finds out who is a member, and looks at each. The error is of what forbids to look at
// all; members that do not answer have theirs.
func (r *Run) openEtcd(ctx context.Context) (q *membership, err error) {
	if r.certs, err = r.stored(); errors.Is(err, statedir.ErrEmpty) {
		return nil, &NoStateError{r.Cluster.StateDir, r.Cluster.File}
	} else if err != nil {
		return nil, err
	}
	r.catchUp(ctx)
	for _, n := range r.Cluster.ControlPlanes() {
		r.machines = append(r.machines, &machine{node: n})
	}
	err = each(r.machines, func(m *machine) error {
		if !r.elsewhere(m) {
			m.unreached = r.reach(ctx, m)
		}
		return m.unreached
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if r.Here == "" && r.road() == nil {
		return nil, err
	}
	return r.lookAtEtcd(ctx)
}

// lookAtEtcd asks anew who is a member, and each of them how it is.
func (r *Run) lookAtEtcd(ctx context.Context) (*membership, error) {
	q, err := r.findMembers(ctx)
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	for _, e := range q.all {
		wg.Go(func() { e.look(ctx) })
	}
	wg.Wait()
	return q, ctx.Err()
}

// look fills in what the member says of itself.
func (e *member) look(ctx context.Context) {
	if e.client == nil {
		if e.err == nil {
			e.err = errors.New("it has not started yet")
		}
		return
	}
	seen, err := e.client.Status(ctx)
	if e.err = err; err != nil {
		return
	}
	e.seen = seen
	switch {
	case e.ID == 0:
		e.err = errors.New("it runs, and is no member")
	case seen.ID != e.ID:
		e.err = fmt.Errorf("it is member %x, and the membership knows %x at its address", seen.ID, e.ID)
	case e.Learner && seen.Leader == 0:
		e.err = errors.New("it follows no leader")
	case !e.Learner:
		e.err = e.client.Voting(ctx)
	}
}

// findMembers takes the membership from the member that has come farthest, also without quorum.
func (r *Run) findMembers(ctx context.Context) (*membership, error) {
	declared := make([]*member, len(r.machines))
	known := make([][]etcd.Member, len(r.machines))
	var wg sync.WaitGroup
	for i, m := range r.machines {
		client, err := r.memberOn(m, clientURL(m.node.Address))
		if err != nil {
			return nil, err
		}
		declared[i] = &member{Member: etcd.Member{Name: m.node.Name, Peer: components.PeerURL(m.node)}, m: m, client: client}
		wg.Go(func() {
			e := declared[i]
			if e.seen, e.err = client.Status(ctx); e.err == nil {
				known[i], e.err = client.KnownMembers(ctx)
			}
		})
	}
	wg.Wait()
	q, list := &membership{}, []etcd.Member(nil)
	for i, e := range declared {
		if e.err == nil && (q.from == nil || e.seen.Applied > q.from.seen.Applied) {
			q.from, list = e, known[i]
		}
	}
	for _, entry := range list {
		i := slices.IndexFunc(declared, func(e *member) bool { return e.Peer == entry.Peer })
		if i >= 0 {
			declared[i].Member = entry
			q.all = append(q.all, declared[i])
			continue
		}
		e := &member{Member: entry}
		if entry.Client != "" {
			var err error
			if e.client, err = r.memberOn(nil, entry.Client); err != nil {
				return nil, err
			}
		}
		q.all = append(q.all, e)
	}
	for _, e := range declared {
		if e.ID == 0 {
			q.all = append(q.all, e)
		}
	}
	slices.SortFunc(q.all, func(a, b *member) int { return cmp.Or(cmp.Compare(a.name(), b.name()), cmp.Compare(a.ID, b.ID)) })
	return q, nil
}

// memberOn is a client of the member at url: through its own machine, through another that was reached, or straight from here.
func (r *Run) memberOn(m *machine, url string) (*etcd.Client, error) {
	name := r.Here
	if name == "" {
		name = r.machines[0].node.Name
	}
	a := r.etcdAccess(url, name)
	if m == nil || m.host == nil {
		m = r.road()
	}
	if m != nil {
		a.Dial = hasty(m.host.Dial)
	}
	client, err := etcd.Connect(a)
	if err == nil {
		r.clients = append(r.clients, client)
	}
	return client, err
}

// road is a machine from which the others may be reached; nil on a machine of the cluster, which has a way to them itself.
func (r *Run) road() *machine {
	i := slices.IndexFunc(r.machines, func(m *machine) bool { return m.host != nil })
	if r.Here != "" || i < 0 {
		return nil
	}
	return r.machines[i]
}

// hasty gives up on a machine that takes no connections sooner than an SSH server would.
func hasty(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return dial(ctx, network, address)
	}
}
