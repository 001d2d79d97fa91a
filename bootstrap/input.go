package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/backup"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// input is what components are computed from.
func (r *Run) input() *components.Input {
	in := &components.Input{Cluster: r.withStaying(), Certs: r.certs, Facts: map[string]node.Facts{}, Payload: payload(r.bundle.Manifest()), Members: r.members, Unsealed: r.unsealed()}
	for _, m := range r.machines {
		in.Facts[m.node.Name] = m.facts
	}
	return in
}

// withStaying is the cluster with the control planes that left the file and still run.
func (r *Run) withStaying() *spec.Cluster {
	if len(r.staying) == 0 {
		return r.Cluster
	}
	c := *r.Cluster
	c.Nodes = slices.Concat(c.Nodes, r.staying)
	return &c
}

// wanted is the State of n, with what only this run's machine knows.
func (r *Run) wanted(in *components.Input, n spec.Node) (_ node.State, err error) {
	in.Program = r.binary.Installed()
	if in.ObjectStore, err = r.objectStore(); err != nil {
		return node.State{}, err
	}
	return in.State(n)
}

// payload is the bundle's contents under the names that components know.
func payload(m bundle.Manifest) components.Payload {
	p := components.Payload{Binaries: map[string]node.Binary{}, Images: map[string]node.Image{}}
	for _, b := range m.Binaries {
		p.Binaries[b.Name] = *b.Resource("").Binary
	}
	for _, i := range m.Images {
		p.Images[i.Name] = *i.Resource().Image
	}
	return p
}

// objectStore is what the operator's files say of where archives go. On a machine of the cluster it is what an apply has put there, if any has.
func (r *Run) objectStore() (o components.ObjectStore, err error) {
	b := r.Cluster.Backup
	if b == nil || b.S3 == nil {
		return o, nil
	}
	if b.S3.Credentials == "" {
		return storeHere()
	}
	if o.Credentials, err = os.ReadFile(b.S3.Credentials); err != nil {
		return o, fmt.Errorf("read the object store's credentials: %w", err)
	}
	if b.S3.CA != "" {
		if o.CA, err = os.ReadFile(b.S3.CA); err != nil {
			return o, fmt.Errorf("read the object store's authority: %w", err)
		}
	}
	return o, nil
}

func storeHere() (o components.ObjectStore, err error) {
	if o.Credentials, err = os.ReadFile(backup.CredentialsPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	s, err := backup.ReadSettings(backup.SettingsPath)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err == nil && s.Bucket != nil {
		o.CA = s.Bucket.CA
	}
	return o, err
}
