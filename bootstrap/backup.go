package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/scratch"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/internal/store"
	"github.com/slipway/slipway/pki"
)

// BackingUp says what an archive is to be.
type BackingUp struct {
	Path       string // a file, or a folder to put one into; "" for the state directory's folder "backups"
	Recipients []archive.Recipient
	Slipway    string      // version of this program
	Force      bool        // replace what is there
	Keep       int         // how many archives of the cluster to leave in the archive's folder or store; 0: all
	Store      store.Store // where it goes, under a name of its own, instead of Path; nil for Path
}

// BackedUp is an archive that was made.
type BackedUp struct {
	Path     string           `json:"path"`
	Bytes    int64            `json:"bytes"`
	Seconds  float64          `json:"seconds"`
	Deleted  []string         `json:"deleted,omitempty"` // older archives
	Kept     string           `json:"kept,omitempty"`    // why older ones were not deleted that were to be
	Manifest archive.Manifest `json:"manifest"`
}

// Backup makes an archive from the first control plane that gives one, a follower if there is one: the leader has more to do.
func (r *Run) Backup(ctx context.Context, how BackingUp) (_ *BackedUp, err error) {
	began := time.Now()
	if r.certs, err = r.stored(); err != nil {
		return nil, fmt.Errorf("read the cluster's certificates: %w; apply the cluster first", err)
	}
	name := backup.FileName(r.Cluster.Name, began)
	path, done, err := r.backupPath(how, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	for _, n := range r.Cluster.ControlPlanes() {
		if r.Here == "" || n.Name == r.Here {
			r.machines = append(r.machines, &machine{node: n})
		}
	}
	unreached := each(r.machines, func(m *machine) error { return r.reach(ctx, m) })
	var m archive.Manifest
	err = r.stage("backup", func(event.Sink) error {
		var reasons []error
		for _, from := range r.givers(ctx) {
			if m, err = r.backupOf(ctx, from, path, how); err == nil || ctx.Err() != nil {
				return err
			}
			reasons = append(reasons, &NodeError{from.node.Name, err})
		}
		return fmt.Errorf("no control plane gave a backup: %w", errors.Join(append(reasons, unreached)...))
	})
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	made := &BackedUp{Path: path, Bytes: info.Size(), Manifest: m}
	in := store.Dir(filepath.Dir(path))
	if how.Store != nil {
		in, made.Path = how.Store, how.Store.Path(name)
		if err := store.Keep(ctx, in, name, path); err != nil {
			return nil, err
		}
	}
	if how.Keep > 0 {
		if made.Deleted, made.Kept, err = r.retain(ctx, in, filepath.Base(made.Path), m, how.Keep); err != nil {
			return nil, fmt.Errorf("%s is made, and older archives are not deleted: %w", made.Path, err)
		}
	}
	made.Seconds = time.Since(began).Seconds()
	return made, nil
}

// retain deletes older archives in the place, as far as what the cluster remembers of proofs lets them go. The member that gave the new
// one says what that is.
func (r *Run) retain(ctx context.Context, in store.Store, name string, made archive.Manifest, keep int) (deleted []string, kept string, err error) {
	i := slices.IndexFunc(r.machines, func(m *machine) bool { return m.node.Name == made.Node })
	client, err := r.memberOf(r.machines[i])
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	h, err := backup.Recall(ctx, client)
	if err != nil {
		return nil, "", err
	}
	proofs := r.Cluster.Backup != nil && r.Cluster.Backup.Verify != ""
	return backup.Retain(ctx, in, h.Retention(made.Cluster.ID, name, keep, proofs))
}

// backupPath is where the archive is written: where it stays, or in a folder that done deletes, from where it goes into the store.
func (r *Run) backupPath(how BackingUp, name string) (path string, done func() error, err error) {
	if how.Store == nil {
		path, err = r.keptPath(how.Path, "backups", name, how.Force)
		return path, func() error { return nil }, err
	}
	parent := filepath.Join(r.dir.Path(), "backups")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", nil, err
	}
	dir, err := scratch.New(parent, ".slipway-store-")
	if err != nil {
		return "", nil, err
	}
	return dir.Path(name), dir.Remove, nil
}

// givers are the control planes that were reached, followers before the leader.
func (r *Run) givers(ctx context.Context) []*machine {
	var mu sync.Mutex
	leads := map[*machine]int{}
	reached := slices.DeleteFunc(r.controlPlanes(), func(m *machine) bool { return m.host == nil })
	_ = each(reached, func(m *machine) error { // one that does not answer is told of when it is asked for a backup
		client, err := r.memberOf(m)
		if err != nil {
			return err
		}
		status, err := client.Status(ctx)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			leads[m] = 2
		case status.Leader == status.ID:
			leads[m] = 1
		}
		return errors.Join(err, client.Close())
	})
	slices.SortStableFunc(reached, func(a, b *machine) int { return leads[a] - leads[b] })
	return reached
}

func (r *Run) backupOf(ctx context.Context, m *machine, path string, how BackingUp) (_ archive.Manifest, err error) {
	files, err := fetch(ctx, m, pki.LastingPaths())
	if err != nil {
		return archive.Manifest{}, err
	}
	// What runs, which the file may be ahead of; an API server that is down is no reason to have no backup.
	version := r.Cluster.Kubernetes
	if api, err := r.api(m); err == nil {
		if runs, err := api.Version(ctx); err == nil {
			version = runs
		}
	}
	client, err := r.memberOf(m)
	if err != nil {
		return archive.Manifest{}, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return backup.Take(ctx, backup.Source{
		Node: m.node.Name, Member: client, Cluster: archive.Cluster{Name: r.Cluster.Name, ID: r.certs.ClusterID()},
		Kubernetes: version, Slipway: how.Slipway, Spec: spec.Write(r.Cluster), Files: files, Recipients: how.Recipients,
	}, path)
}
