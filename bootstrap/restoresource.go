package bootstrap

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/spec"
)

// source is what a restore brings back: an archive, or a bare snapshot of etcd, which has no keys with it.
type source struct {
	path     string
	sum      string    // of the snapshot, in hex: by it a run knows that it goes on with the same
	size     int64     // of the snapshot, in bytes
	taken    time.Time // of a bare snapshot, when the file was written
	revision int64

	kubernetes string // "" where a bare snapshot does not tell
	etcd       string // version whose form it is in; "" before 3.6

	name, id string            // of the cluster; "" in a bare snapshot
	node     string            // whose member it came from
	secrets  map[string][]byte // nil where they were not asked for
	declared []byte            // the cluster, as HCL
	members  []spec.Node       // that etcd had
	ca       string            // of a bare snapshot, PEM

	write func(io.Writer) error
	close func() error
}

// archiveMark is how an archive begins: the name of its first entry.
const archiveMark = "manifest.json\x00"

// openSource opens an archive or a snapshot, and checks that it is whole.
func openSource(path string, identities []string) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &RestoreError{err.Error(), "name an archive, or a snapshot of etcd"}
	}
	begin := make([]byte, len(archiveMark))
	_, err = io.ReadFull(f, begin)
	if err == nil && string(begin) != archiveMark && isDatabase(f) {
		return openSnapshot(f)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return openArchive(path, identities)
}

// isDatabase looks for the mark of bbolt behind the head of the first page.
// https://github.com/etcd-io/bbolt/blob/v1.4.3/internal/common/types.go
func isDatabase(f *os.File) bool {
	mark := make([]byte, 4)
	_, err := f.ReadAt(mark, 16)
	return err == nil && bytes.Equal(mark, []byte{0xED, 0xDA, 0x0C, 0xED})
}

func openArchive(path string, identities []string) (_ *source, err error) {
	a, err := archive.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	m := a.Manifest()
	s := &source{
		path: path, sum: m.Snapshot.SHA256, size: m.Snapshot.Size, taken: m.Taken, revision: m.Etcd.Revision,
		kubernetes: m.Versions.Kubernetes, etcd: m.Versions.Etcd, name: m.Cluster.Name, id: m.Cluster.ID, node: m.Node,
		declared: a.Spec(), write: a.WriteSnapshot, close: a.Close,
	}
	for _, member := range m.Etcd.Members {
		if n, ok := memberNode(member.Name, member.Peer); ok {
			s.members = append(s.members, n)
		}
	}
	if len(identities) > 0 {
		if s.secrets, err = openKeys(a, identities); err != nil {
			return nil, err
		}
	}
	return s, a.WriteSnapshot(io.Discard) // the sum over the file does not say that it unpacks to what it says
}

func openKeys(a *archive.Archive, paths []string) (map[string][]byte, error) {
	var keys []archive.Identity
	for _, path := range paths {
		found, err := archive.ReadIdentities(path)
		if err != nil {
			return nil, &RestoreError{err.Error(), "name a file of identities with --identity"}
		}
		keys = append(keys, found...)
	}
	return a.Secrets(keys...)
}

func openSnapshot(f *os.File) (_ *source, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	damaged := func(err error) error {
		return &RestoreError{fmt.Sprintf("snapshot %s: %v", f.Name(), err), "take another one: nothing of a damaged one can be relied upon"}
	}
	size, err := etcd.CheckSnapshot(f)
	if err != nil {
		return nil, damaged(err)
	}
	found, err := etcd.Inspect(f.Name())
	if err != nil {
		return nil, damaged(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		return nil, err
	}
	s := &source{
		path: f.Name(), sum: hex.EncodeToString(h.Sum(nil)), size: size, taken: info.ModTime(), revision: found.Revision,
		etcd: found.Storage, ca: found.CA, close: f.Close,
		write: func(w io.Writer) error { _, err := io.Copy(w, io.NewSectionReader(f, 0, size)); return err },
	}
	for _, v := range found.Kubelets { // of an upgrade half way, the newest: the others could not read all that it has written
		if s.kubernetes == "" || older(s.kubernetes, v) {
			s.kubernetes = v
		}
	}
	s.kubernetes = strings.TrimPrefix(s.kubernetes, "v")
	return s, nil
}

// cluster is what the archive declares, as if of that version of Kubernetes; nil for a bare snapshot, which declares nothing.
func (s *source) cluster(kubernetes string) (*spec.Cluster, error) {
	if s.declared == nil {
		return nil, nil
	}
	return readPast(s.path, s.declared, kubernetes)
}

// memberNode is the machine of an etcd member, as far as its peer URL tells.
func memberNode(name, peer string) (spec.Node, bool) {
	address, err := peerAddress(peer)
	return spec.Node{Name: name, Role: spec.ControlPlane, Address: address}, err == nil && name != ""
}
