package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// Hash is over the data of a member up to a revision. Two that are of the same revision and compacted at the same one are
// equal, or one of the members holds other data than it should.
// https://etcd.io/docs/v3.6/op-guide/data_corruption/
type Hash struct {
	Sum       uint32
	Revision  int64 // up to which
	Compacted int64 // what was before it may be gone
}

// Comparable reports whether two hashes ought to be equal.
func (h Hash) Comparable(other Hash) bool {
	return h.Revision == other.Revision && h.Compacted == other.Compacted
}

// ErrCompacted is a revision of which a member does not hold everything any more.
var ErrCompacted = errors.New("it is compacted")

// hashWithin is longer than other answers: the member reads its whole database.
const hashWithin = 2 * time.Minute

// HashKV is the hash of what the member holds up to the revision, or, with 0, up to its newest. It answers also without quorum.
func (c *Client) HashKV(ctx context.Context, revision int64) (Hash, error) {
	ctx, cancel := context.WithTimeout(ctx, hashWithin)
	defer cancel()
	h, err := c.api.HashKV(ctx, c.endpoint, revision)
	if errors.Is(err, rpctypes.ErrCompacted) {
		return Hash{}, fmt.Errorf("etcd %s: hash of revision %d: %w", c.endpoint, revision, ErrCompacted)
	}
	if err != nil {
		return Hash{}, fmt.Errorf("etcd %s: hash of revision %d: %w", c.endpoint, revision, err)
	}
	return Hash{Sum: h.Hash, Revision: h.HashRevision, Compacted: h.CompactRevision}, nil
}
