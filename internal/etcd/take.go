package etcd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Taken is a snapshot together with what its member says of the same data.
type Taken struct {
	Size      int64 // bytes
	Revision  int64 // the last one in it
	Compacted int64 // at which revision the member was compacted last when it was taken
	Hash      uint32
}

// takeTries is how often a snapshot is taken again because its member was compacted meanwhile. Kubernetes does that every five minutes.
const takeTries = 3

// Take is Snapshot, and then asks the member for the hash of its own data at the snapshot's last revision, which the file's data must
// have, too: its sum only says that it came over as it was read, and a member reads its database around its keys. Whoever restores
// the snapshot can compare once more. Where they differ the file is no good, and stays for the caller to delete.
func (c *Client) Take(ctx context.Context, path string) (t Taken, err error) {
	var own Hash
	for range takeTries {
		if t.Size, err = c.Snapshot(ctx, path); err != nil {
			return t, err
		}
		var compacted int64
		if t.Revision, compacted, err = extentOf(path); err != nil {
			return t, fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
		}
		own, err = c.HashKV(ctx, t.Revision)
		switch {
		case err == nil && own.Compacted == compacted:
			t.Compacted, t.Hash = own.Compacted, own.Sum
			return t, c.compare(path, own)
		case err == nil:
			err = fmt.Errorf("etcd %s: it was compacted while it gave a snapshot", c.endpoint)
		case !errors.Is(err, ErrCompacted):
			return t, err
		}
	}
	return t, err
}

// compare is nil where the database in the file holds what its member says that it does.
func (c *Client) compare(path string, own Hash) error {
	found, err := HashFile(path)
	if err != nil {
		return fmt.Errorf("etcd %s: snapshot: %w", c.endpoint, err)
	}
	if found != own {
		return fmt.Errorf("etcd %s: the snapshot's data is not what the member holds: it has the hash %08x at revision %d compacted at %d, and the member's is %08x at revision %d compacted at %d: "+
			"its disk or memory may be failing; slipway etcd status says whether the members agree", c.endpoint, found.Sum, found.Revision, found.Compacted, own.Sum, own.Revision, own.Compacted)
	}
	return nil
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
