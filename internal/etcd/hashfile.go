package etcd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"
)

// HashFile is the hash of the data in a database file, which may have a sum behind it, as a member gives it of its own.
// etcd's code writes to what it opens, so that it is given a copy, in the file's folder, which is deleted afterwards.
func HashFile(path string) (h Hash, err error) {
	in, err := os.Open(path)
	if err != nil {
		return Hash{}, err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".look-*") // of mode 0600
	if err != nil {
		return Hash{}, err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return Hash{}, fmt.Errorf("copy %s to look into it: %w", path, err)
	}
	return hashDatabase(out.Name())
}

// hashDatabase is etcd's own way: https://github.com/etcd-io/etcd/blob/v3.6.0/etcdutl/etcdutl/hashkv_command.go
// It panics at a database that it cannot make sense of, and at keys with a lease, such as those of Events, without somebody to
// tell of them: who that is is no matter for the hash.
func hashDatabase(path string) (h Hash, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("the database is damaged: %v", why)
		}
	}()
	config := backend.DefaultBackendConfig(zap.NewNop())
	config.Path = path
	b := backend.New(config)
	defer func() { err = errors.Join(err, b.Close()) }()
	store := mvcc.NewStore(zap.NewNop(), b, &lease.FakeLessor{}, mvcc.StoreConfig{})
	defer func() { err = errors.Join(err, store.Close()) }()
	found, _, err := mvcc.NewHashStorage(zap.NewNop(), store).HashByRev(0)
	if err != nil {
		return Hash{}, fmt.Errorf("hash of the database: %w", err)
	}
	return Hash{Sum: found.Hash, Revision: found.Revision, Compacted: found.CompactRevision}, nil
}
