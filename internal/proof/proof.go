// Package proof shows that an archive is good for what it is kept for: it restores it, runs the real etcd and the real API server of
// the archive's versions over it, and reads every object back.
package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/archive"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/scratch"
	"github.com/slipway/slipway/internal/spec"
)

// Options are how an archive is proven.
type Options struct {
	Path       string
	Identities []archive.Identity
	// Keys are those of the cluster as they are on this machine, of pki.LastingPaths, for when there are no Identities: with them Secrets are
	// read all the same.
	Keys map[string][]byte
	// FindBundle is asked for the bundle of the archive's version, whose programs are run.
	FindBundle func(kubernetes string) (*bundle.Bundle, error)
	// Programs is a folder in which the programs of the archive's version lie, as on a control plane; with it no bundle is asked for.
	Programs string
	Temp     string // folder for what is unpacked, "" for the system's; deleted in the end
	Sink     event.Sink
}

// prefix is that of scratch folders. What a run that was killed left is deleted by the next one.
const prefix = "slipway-verify-"

// run is one proof at work.
type run struct {
	Options
	archive *archive.Archive
	report  *Report
	dir     *scratch.Dir
	keys    map[string][]byte // nil without an identity and without Keys
	cluster *spec.Cluster
}

// Prove proves as much of the archive as it can. An error is an archive that is not good, or a proof that could not be carried
// out; a report that is not Proven says what is still open, and that all else holds.
func Prove(ctx context.Context, o Options) (_ *Report, err error) {
	began := time.Now()
	if o.Sink == nil {
		o.Sink = event.Discard
	}
	r := &run{Options: o, report: &Report{Path: o.Path}}
	if r.archive, err = archive.Open(o.Path); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.archive.Close()) }()
	r.report.Manifest, r.report.Bytes = r.archive.Manifest(), r.archive.Size()
	r.report.Age = began.Sub(r.report.Manifest.Taken).Truncate(time.Second).Seconds()
	r.did("read the file", "its sum is right", began)
	if r.dir, err = scratch.New(r.temp(), prefix); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.dir.Remove()) }()
	for _, step := range []func(context.Context) error{r.openKeys, r.readSpec, r.restore} {
		if err := errors.Join(step(ctx), ctx.Err()); err != nil {
			return nil, err
		}
	}
	r.report.Seconds = time.Since(began).Seconds()
	r.report.Proven = len(r.report.Open) == 0
	return r.report, nil
}

func (r *run) temp() string {
	if r.Temp != "" {
		return r.Temp
	}
	return os.TempDir()
}

// did notes a step that went well.
func (r *run) did(what, found string, began time.Time) {
	r.report.Steps = append(r.report.Steps, Step{what, found, time.Since(began).Seconds()})
	r.Sink.Emit(event.Event{Kind: event.Done, Subject: what, Message: found})
}

// open notes what is not proven.
func (r *run) open(format string, args ...any) {
	r.report.Open = append(r.report.Open, fmt.Sprintf(format, args...))
}

// readSpec loads the declaration as apply would.
func (r *run) readSpec(context.Context) error {
	began := time.Now()
	c, err := spec.Read(specEntry, spec.LoadOptions{Text: r.archive.Spec(), NoSSH: true, Growing: true, StateDir: r.dir.Path("state")})
	if err != nil {
		return fmt.Errorf("archive %s: %w", r.Path, err)
	}
	r.cluster = c
	r.did("read the declaration", fmt.Sprintf("cluster %s, %d nodes", c.Name, len(c.Nodes)), began)
	return nil
}

const specEntry = "cluster.hcl"

// restore unpacks the snapshot and the programs, runs them, and reads everything back.
func (r *run) restore(ctx context.Context) (err error) {
	began := time.Now()
	if err := r.archive.ExtractSnapshot(r.dir.Path("snapshot.db")); err != nil {
		return err
	}
	r.did("unpack the snapshot", fmt.Sprintf("%d bytes with the sha256 of the manifest", r.report.Manifest.Snapshot.Size), began)
	began = time.Now()
	if r.Programs != "" {
		why, err := r.link(ctx)
		if err != nil {
			return err
		}
		if why != nil {
			r.open("that it can be restored and every object read: %v", why)
			return nil
		}
		r.did("find the programs", r.Programs, began)
		return r.serve(ctx)
	}
	b, why := r.programs()
	if b == nil {
		r.open("that it can be restored and every object read: %v", why)
		return nil
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for name, program := range programs() {
		if err := extract(b, name, r.dir.Path(program)); err != nil {
			return err
		}
	}
	r.did("unpack the programs", b.Path(), began)
	return r.serve(ctx)
}

// programs are the executables that are run, by their names in a bundle and on a control plane.
func programs() map[string]string { return map[string]string{"etcdutl": "etcd", "kube": "kube"} }

// link takes the programs that lie on this machine, or tells why they do not do.
func (r *run) link(ctx context.Context) (why, err error) {
	for name, program := range programs() {
		path := filepath.Join(r.Programs, name)
		if _, err := os.Stat(path); err != nil {
			return err, nil
		}
		if err := os.Symlink(path, r.dir.Path(program)); err != nil {
			return nil, err
		}
	}
	said, err := r.command(ctx, "kube", "kube-apiserver", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s kube-apiserver --version: %w", filepath.Join(r.Programs, "kube"), err)
	}
	want := r.report.Manifest.Versions.Kubernetes
	if is := strings.TrimSpace(strings.TrimPrefix(string(said), "Kubernetes v")); is != want {
		return fmt.Errorf("the programs in %s are of Kubernetes %s, and the archive of %s", r.Programs, is, want), nil
	}
	return nil, nil
}

// programs opens the bundle of the archive's version; nil where there is none that runs here.
func (r *run) programs() (*bundle.Bundle, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("the programs of a bundle run on Linux, and this machine is of another kind")
	}
	version := r.report.Manifest.Versions.Kubernetes
	b, err := r.FindBundle(version)
	if err != nil {
		return nil, err
	}
	switch m := b.Manifest(); {
	case m.Kubernetes != version:
		err = fmt.Errorf("bundle %s is for Kubernetes %s, and the archive of %s", b.Path(), m.Kubernetes, version)
	case m.Arch != runtime.GOARCH:
		err = fmt.Errorf("bundle %s is for %s machines, and this is one of %s", b.Path(), m.Arch, runtime.GOARCH)
	default:
		return b, nil
	}
	return nil, errors.Join(err, b.Close())
}
