// Package backup takes archives of a cluster.
package backup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/etcd"
	"github.com/slipway/slipway/internal/scratch"
	"github.com/slipway/slipway/pki"
)

// Source is one control plane that an archive is taken from.
type Source struct {
	Node       string
	Member     *etcd.Client
	Cluster    archive.Cluster
	Kubernetes string            // version of the cluster
	Slipway    string            // version of this program
	Spec       []byte            // the cluster's declaration
	Files      map[string][]byte // of pki.LastingPaths, as they are on the machine
	Recipients []archive.Recipient
}

// Extension is how archives are called.
const Extension = ".slipway"

// FileName is how an archive of that cluster and time is called.
func FileName(cluster string, taken time.Time) string {
	return cluster + "-" + taken.UTC().Format("20060102T150405Z") + Extension
}

// scratchPrefix is that of the folders beside archives in which they are made.
const scratchPrefix = ".slipway-backup-"

// Take writes an archive to path, whole or not at all. The member must have a quorum behind it: an archive of a member that
// was left behind would be one of the past.
func Take(ctx context.Context, from Source, path string) (m archive.Manifest, err error) {
	if err := from.check(); err != nil {
		return m, err
	}
	if err := from.Member.Voting(ctx); err != nil {
		return m, err
	}
	dir, err := scratch.New(filepath.Dir(path), scratchPrefix)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, dir.Remove()) }()
	status, err := from.Member.Status(ctx)
	if err != nil {
		return m, err
	}
	members, err := from.Member.Members(ctx)
	if err != nil {
		return m, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	snapshot := dir.Path("etcd.db")
	taken, err := from.Member.Take(ctx, snapshot)
	if err != nil {
		return m, err
	}
	m = archive.Manifest{
		Taken: now, Cluster: from.Cluster, Node: from.Node,
		Versions: archive.Versions{Kubernetes: from.Kubernetes, Etcd: status.Version, Slipway: from.Slipway},
		Etcd: archive.Etcd{
			Cluster: hex(status.ClusterID), Member: hex(status.ID),
			Revision: taken.Revision, CompactRevision: taken.Compacted, HashKV: taken.Hash,
		},
	}
	for _, e := range members {
		m.Etcd.Members = append(m.Etcd.Members, archive.Member{ID: hex(e.ID), Name: e.Name, Peer: e.Peer, Client: e.Client, Learner: e.Learner})
	}
	return archive.Create(path, archive.Contents{Manifest: m, Spec: from.Spec, Secrets: from.Files, Recipients: from.Recipients, Snapshot: snapshot})
}

// check makes sure that the keys are all there and belong to the cluster before anything is written: an archive without them
// would be found out when it is needed.
func (from Source) check() error {
	set, err := pki.Rebuild(map[string]map[string][]byte{from.Node: from.Files})
	if err != nil {
		return fmt.Errorf("the keys on %s: %w", from.Node, err)
	}
	if id := set.ClusterID(); id != from.Cluster.ID {
		return fmt.Errorf("the keys on %s are of another cluster (%s) than %s (%s)", from.Node, id, from.Cluster.Name, from.Cluster.ID)
	}
	return nil
}

func hex(id uint64) string { return strconv.FormatUint(id, 16) }
