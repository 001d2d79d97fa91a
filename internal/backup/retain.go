package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway/slipway/internal/store"
)

// Retention says which archives of a store stay.
type Retention struct {
	Cluster string // the ID of the one whose they are
	Keep    int    // so many of the newest stay
	Made    string // name of the one that was just made, which stays whatever the clocks say; "" for none
	Proven  string // name of the last one that was proven, which stays beside them; "" where none is known
	Doubt   string // why none is deleted at all; "" where nothing speaks against it
}

// Retention is what to keep of the archives of a cluster that remembers this, once the one called made is: beside the newest the last one of which it is known that
// it can be restored. As long as proofs are to be made and the last one has found fault, older archives may be the only good ones.
func (h History) Retention(cluster, made string, keep int, proofs bool) Retention {
	r := Retention{Cluster: cluster, Made: made, Keep: keep}
	if h.Proven != nil {
		r.Proven = h.Proven.Archive
	}
	if h.lost != nil {
		r.Doubt = fmt.Sprintf("which of them was proven last is not known: %v; they go with the next turn", h.lost)
	}
	if f := h.ProofFailed; proofs && f != nil && f.Against && f.newer(h.Proven, time.Now()) {
		r.Doubt = fmt.Sprintf("the last proof of one, of %s by %s at %s, found fault with it, and those before it may be the good ones; they go once one is proven",
			f.Archive, f.Node, f.Began.Format(time.DateTime+" MST"))
	}
	return r
}

// Retain deletes the oldest archives of the cluster from the store that need not stay, and returns their paths; or it deletes none, and
// returns why, where something speaks against it.
// Only archives that are whole count, and only they are deleted: a damaged one, one that cannot be read, another cluster's, or any
// other file is never touched.
// One that is dated in the future is neither: as the newest it would push good ones out, and it may be as good as they.
// In a directory that is whole which has the right sum; in an object store, which looks after sums itself, what ends as an archive
// does. Where something is to be deleted, the newest that stays is read from beginning to end first.
func Retain(ctx context.Context, s store.Store, how Retention) (deleted []string, withheld string, err error) {
	if how.Keep < 1 {
		return nil, "", errors.New("at least one archive must be kept")
	}
	all, err := Catalogue(ctx, s, false)
	if err != nil {
		return nil, "", err
	}
	own, old := how.sort(all)
	if len(old) == 0 {
		return nil, "", nil
	}
	if how.Doubt != "" {
		return nil, fmt.Sprintf("%s: no archive is deleted: %s", s.Path(""), how.Doubt), nil
	}
	if err := readWhole(ctx, s, own[0]); err != nil {
		return nil, "", fmt.Errorf("nothing is deleted: %w", err)
	}
	var errs []error
	for _, a := range old { // one that may not be deleted is no reason for the others to stay
		if err := s.Delete(ctx, a.Name); err != nil {
			errs = append(errs, err)
			continue
		}
		deleted = append(deleted, a.Path)
	}
	return deleted, "", errors.Join(errs...)
}

// sort are the cluster's archives that count, newest first, and those of them that need not stay.
func (how Retention) sort(all []Listed) (own, old []Listed) {
	for _, a := range all { // newest first
		if a.Error == "" && !a.Ahead && a.Manifest.Cluster.ID == how.Cluster {
			own = append(own, a)
		}
	}
	old = slices.DeleteFunc(slices.Clone(own[min(how.Keep, len(own)):]), func(a Listed) bool { return a.Name == how.Made || a.Name == how.Proven })
	return own, old
}
