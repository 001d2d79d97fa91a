package bootstrap

import (
	"context"
	"path/filepath"
	"slices"
	"sync"

	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/store"
)

// ArchiveList is what there is of archives, newest first, as "slipway etcd backups -o json" prints it.
type ArchiveList struct {
	Archives []KeptArchive   `json:"archives"`
	Unread   []UnreadArchive `json:"unread,omitempty"` // places that could not be looked at
}

// KeptArchive is one file that is called as archives are.
type KeptArchive struct {
	Node string `json:"node,omitempty"` // the machine that it lies on; "" for this one, and for object stores
	backup.Listed
}

// UnreadArchive is a place that could not be looked at.
type UnreadArchive struct {
	Node  string `json:"node,omitempty"`
	Place string `json:"place"`
	Error string `json:"error"`
}

// Add adds what was found in one place, or why nothing was.
func (l *ArchiveList) Add(node, place string, found []backup.Listed, err error) {
	if err != nil {
		l.Unread = append(l.Unread, UnreadArchive{node, place, err.Error()})
	}
	for _, a := range found {
		l.Archives = append(l.Archives, KeptArchive{node, a})
	}
	slices.SortStableFunc(l.Archives, func(a, b KeptArchive) int { return backup.NewestFirst(a.Listed, b.Listed) })
}

// Archives lists those in the state directory, in the backup block's directory on every control plane, and in its object store. A place
// that cannot be looked at is told of in the list.
func (r *Run) Archives(ctx context.Context, whole bool) (*ArchiveList, error) {
	list := &ArchiveList{Archives: []KeptArchive{}}
	if r.dir != nil {
		own := store.Dir(filepath.Join(r.dir.Path(), "backups"))
		found, err := backup.Catalogue(ctx, own, whole)
		list.Add("", own.Path(""), found, err)
	}
	b := r.Cluster.Backup
	if b == nil {
		return list, nil
	}
	for _, n := range r.Cluster.ControlPlanes() {
		if r.Here == "" || r.Here == n.Name {
			r.machines = append(r.machines, &machine{node: n})
		}
	}
	var mu sync.Mutex
	_ = each(r.machines, func(m *machine) error { // failures are told in the list
		var found []backup.Listed
		err := r.reach(ctx, m)
		if err == nil {
			err = m.agent.Archives(ctx, b.Directory, &found)
		}
		mu.Lock()
		defer mu.Unlock()
		list.Add(m.node.Name, b.Directory, found, err)
		return nil
	})
	if b.S3 != nil {
		list.addObjects(ctx, r, whole)
	}
	return list, ctx.Err()
}

func (l *ArchiveList) addObjects(ctx context.Context, r *Run, whole bool) {
	s3 := r.Cluster.Backup.S3
	place := "s3://" + s3.Bucket + "/" + s3.Prefix
	objects, err := r.bucket()
	if err != nil {
		l.Add("", place, nil, err)
		return
	}
	found, err := backup.Catalogue(ctx, objects, whole)
	l.Add("", place, found, err)
}

// bucket is the object store of the backup block.
func (r *Run) bucket() (store.Store, error) {
	s3 := r.Cluster.Backup.S3
	known, err := r.objectStore()
	if err != nil {
		return nil, err
	}
	path := s3.Credentials
	if path == "" {
		path = backup.CredentialsPath
	}
	return store.S3(store.Bucket{Endpoint: s3.Endpoint, Name: s3.Bucket, Prefix: s3.Prefix, Region: s3.Region, Insecure: s3.Insecure, CA: known.CA}, path)
}
