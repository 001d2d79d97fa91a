package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/event"
)

// Options say what to build and where.
type Options struct {
	Kubernetes string // 1.36.3
	Distro     string // directory of the distribution's modules and package lists
	Cache      string // directory; made as needed, and used by one build at a time
	Output     string // the bundle's file
}

// Report is what a build took.
type Report struct {
	Path     string        `json:"path"`
	Digest   string        `json:"digest"` // Manifest.Digest
	Size     int64         `json:"size"`   // bytes of the bundle
	Took     time.Duration `json:"took"`   // nanoseconds
	Parts    []Took        `json:"parts"`
	Packages []Took        `json:"packages"` // lists of Debian packages
}

// Took is what one part of a bundle took to make.
type Took struct {
	Name    string        `json:"name"`
	Version string        `json:"version,omitempty"`
	Size    int64         `json:"size"` // bytes of the executable, or of the unpacked packages as an archive
	Took    time.Duration `json:"took"` // nanoseconds
	Cached  bool          `json:"cached"`
}

// Build compiles the parts of a bundle, makes its images and writes it. What an earlier build with
// the same cache made of the same inputs is used again. The same inputs give the same bytes,
// whatever the cache. The output is there whole or not at all; an older one is replaced.
func Build(ctx context.Context, o Options, sink event.Sink) (Report, error) {
	r, err := recipeFor(o.Kubernetes)
	if err != nil {
		return Report{}, err
	}
	d := debian{lists: filepath.Join(o.Distro, "debian"), cache: filepath.Join(o.Cache, "debian"), arch: runtime.GOARCH}
	// Without a stage: parts, packages and blobs are what there is to follow.
	return build(ctx, o, r, d.unpack, sink)
}

// unpackFunc makes the root filesystem of a list of Debian packages.
type unpackFunc func(ctx context.Context, list string, sink event.Sink) (rootfs, error)

func build(ctx context.Context, o Options, r recipe, unpack unpackFunc, sink event.Sink) (report Report, err error) {
	start := time.Now()
	unlock, err := lockCache(ctx, o.Cache, sink)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	b := builder{Options: o, recipe: r, arch: runtime.GOARCH, sink: sink,
		parts: map[string]madePart{}, roots: map[string]rootfs{}}
	tasks, taskCtx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return b.compileAll(taskCtx, &report) })
	tasks.Go(func() error { return b.unpackAll(taskCtx, unpack, &report) }) // waits for the network meanwhile
	if err := tasks.Wait(); err != nil {
		return Report{}, err
	}
	manifest, blobs, err := b.assemble(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := writeFile(o.Output, func(w io.Writer) error { return writeArchive(w, manifest, blobs) }); err != nil {
		return Report{}, fmt.Errorf("write bundle: %w", err)
	}
	written, err := Open(o.Output)
	if err != nil {
		return Report{}, err
	}
	report.Path, report.Digest, report.Size = o.Output, written.Manifest().Digest, written.size
	report.Took = time.Since(start)
	return report, written.Close()
}

// builder holds what a build has made so far.
type builder struct {
	Options
	recipe
	arch  string
	sink  event.Sink
	parts map[string]madePart // by name
	roots map[string]rootfs   // by list
}

// compileAll compiles one part after the other: go build keeps all processors busy by itself.
func (b *builder) compileAll(ctx context.Context, report *Report) error {
	c := compiler{distro: b.Distro, cache: filepath.Join(b.Cache, "parts"), arch: b.arch}
	for _, p := range b.recipe.parts {
		start := b.start("part " + p.Name)
		made, err := c.compile(ctx, p, b.sink)
		if err != nil {
			return err
		}
		info, err := os.Stat(made.path)
		if err != nil {
			return err
		}
		b.parts[p.Name] = made
		took := Took{p.Name, p.Version, info.Size(), time.Since(start), made.cached}
		report.Parts = append(report.Parts, took)
		b.done("part "+p.Name, took)
	}
	return nil
}

// unpackAll unpacks all lists at once, for most of that is waiting for Debian's archive.
func (b *builder) unpackAll(ctx context.Context, unpack unpackFunc, report *Report) error {
	lists := b.lists()
	roots, took := make([]rootfs, len(lists)), make([]Took, len(lists))
	tasks, ctx := errgroup.WithContext(ctx)
	for i, list := range lists {
		tasks.Go(func() error {
			start := b.start("packages " + list)
			root, err := unpack(ctx, list, b.sink)
			if err != nil {
				return err
			}
			info, err := os.Stat(root.Path)
			if err != nil {
				return err
			}
			roots[i], took[i] = root, Took{list, "", info.Size(), time.Since(start), root.Cached}
			b.done("packages "+list, took[i])
			return nil
		})
	}
	if err := tasks.Wait(); err != nil {
		return err
	}
	for i, list := range lists {
		b.roots[list] = roots[i]
	}
	report.Packages = took
	return nil
}

func (b *builder) start(subject string) time.Time {
	b.sink.Emit(event.Event{Kind: event.Started, Subject: subject})
	return time.Now()
}

func (b *builder) done(subject string, t Took) {
	how := "not cached"
	if t.Cached {
		how = "cached"
	}
	b.sink.Emit(event.Event{Kind: event.Done, Subject: subject, Message: cmp.Or(t.Version, suite) + ", " + how})
}

// lockCache waits until no other build uses the cache.
func lockCache(ctx context.Context, dir string, sink event.Sink) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	got, err := lock.TryLock()
	if err == nil && !got {
		sink.Emit(event.Event{Kind: event.Waiting, Subject: "cache " + dir, Message: "another build is using it"})
		_, err = lock.TryLockContext(ctx, time.Second)
	}
	if err != nil {
		return nil, fmt.Errorf("lock cache %s: %w", dir, err)
	}
	return lock.Unlock, nil
}

// writeFile writes by way of a file beside path that the next try overwrites, so that a killed build
// leaves neither half a bundle nor ever more rubbish.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// versions is Manifest.Versions.
func (b *builder) versions() (map[string]string, error) {
	versions := map[string]string{}
	for _, p := range b.parts {
		versions[p.Name] = p.Version
	}
	for _, name := range b.packages {
		for _, root := range b.roots {
			if v := root.Versions[name]; v != "" {
				versions[name] = v
			}
		}
		if versions[name] == "" {
			return nil, fmt.Errorf("no list of Debian packages brings %s: lists are %v", name, slices.Sorted(slices.Values(b.lists())))
		}
	}
	return versions, nil
}
