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
)

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
