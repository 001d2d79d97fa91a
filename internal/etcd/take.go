package etcd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// Taken is a snapshot together with what its member says of the same data.
type Taken struct {
	Size      int64 // bytes
	Revision  int64 // the last one in it
	Compacted int64 // at which revision the member was compacted last when it was taken
	Hash      uint32
}

// hashingWithin is longer than other answers: the member reads its whole database.
const hashingWithin = 2 * time.Minute

// takeTries is how often a snapshot is taken again because its member was compacted meanwhile. Kubernetes does that every five minutes.
const takeTries = 3

// Take is Snapshot, and then asks the member for the hash of its own data at the snapshot's last revision: whoever restores the
// snapshot can compare.
func (c *Client) Take(ctx context.Context, path string) (t Taken, err error) {
	for range takeTries {
		if t.Size, err = c.Snapshot(ctx, path); err != nil {
			return t, err
		}
		var compacted int64
		if t.Revision, compacted, err = extentOf(path); err != nil {
			return t, fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
		}
		if t.Compacted, t.Hash, err = c.DataHash(ctx, t.Revision); err == nil && t.Compacted != compacted {
			err = fmt.Errorf("etcd %s: it was compacted while it gave a snapshot", c.endpoint)
		} else if err == nil || !errors.Is(err, rpctypes.ErrCompacted) {
			return t, err
		}
	}
	return t, err
}

// DataHash is the hash of all keys and values at the revision, and the revision at which the member is compacted, on which it depends.
func (c *Client) DataHash(ctx context.Context, revision int64) (compacted int64, hash uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, hashingWithin)
	defer cancel()
	h, err := c.api.HashKV(ctx, c.endpoint, revision)
	if err != nil {
		return 0, 0, fmt.Errorf("etcd %s: hash of its data at revision %d: %w", c.endpoint, revision, err)
	}
	return h.CompactRevision, h.Hash, nil
}

// neverCompacted is what a member says of itself before its first compaction, which in a new cluster comes after five minutes.
const neverCompacted = -1

// extentOf reads the last revision in a database, and the one that it is compacted at, or is about to be, as HashKV tells it.
// https://github.com/etcd-io/etcd/blob/v3.6.0/server/storage/mvcc/kvstore.go
func extentOf(path string) (last, compacted int64, err error) {
	db, err := bbolt.Open(path, 0o400, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		keys := tx.Bucket([]byte("key"))
		if keys == nil {
			return errors.New("it is no database of etcd's: it has no keys")
		}
		key, _ := keys.Cursor().Last()
		last = mainRevision(key)
		if last == 0 {
			return errors.New("it has no revision")
		}
		if meta := tx.Bucket([]byte("meta")); meta != nil {
			compacted = max(mainRevision(meta.Get([]byte("scheduledCompactRev"))), mainRevision(meta.Get([]byte("finishedCompactRev"))))
		}
		if compacted == 0 {
			compacted = neverCompacted
		}
		return nil
	})
	return last, compacted, err
}

// mainRevision is the first part of a revision as the database has it; 0 where there is none.
func mainRevision(b []byte) int64 {
	if len(b) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}
