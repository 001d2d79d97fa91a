package bundle

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"

	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/node"
)

// zstdType is the media type of a compressed executable.
const zstdType = "application/zstd"

// assemble compresses binaries and layers and makes the manifest of them.
func (b *builder) assemble(ctx context.Context) (Manifest, blobSet, error) {
	versions, err := b.versions()
	if err != nil {
		return Manifest{}, nil, err
	}
	done, err := b.packAll(ctx)
	if err != nil {
		return Manifest{}, nil, err
	}
	m := Manifest{Format: FormatVersion, Kubernetes: b.Kubernetes, Arch: b.arch, Versions: versions}
	blobs := blobSet{}
	for _, r := range b.images {
		var layers []packed
		for _, l := range r.layers {
			layers = append(layers, done[l.key()])
		}
		image, err := r.assemble(versions[r.version], b.arch, layers, blobs)
		if err != nil {
			return Manifest{}, nil, fmt.Errorf("image %s: %w", r.name, err)
		}
		m.Images = append(m.Images, image)
	}
	for _, r := range b.binaries {
		binary := Binary{Name: r.name, Roles: r.roles}
		if r.image == "" {
			p := done[r.key()]
			blobs.addPacked(p)
			binary.Size, binary.SHA256 = p.RawSize, p.Raw.Encoded()
			binary.Blob = node.Blob{Digest: p.Digest.String(), Size: p.Size, MediaType: zstdType}
		} else if err := b.find(&binary, r, m.Images); err != nil {
			return Manifest{}, nil, fmt.Errorf("binary %s: %w", r.name, err)
		}
		m.Binaries = append(m.Binaries, binary)
	}
	return m, blobs, nil
}

// find fills in where among images the executable is.
func (b *builder) find(binary *Binary, r binaryRecipe, images []Image) error {
	hash, count := digest.SHA256.Digester(), counter(0)
	if err := b.writeExecutable(r.part)(io.MultiWriter(hash.Hash(), &count)); err != nil {
		return err
	}
	i := slices.IndexFunc(images, func(i Image) bool { return i.Name == r.image })
	if i < 0 {
		return fmt.Errorf("the bundle has no image %s", r.image)
	}
	binary.Size, binary.SHA256 = int64(count), hash.Digest().Encoded()
	binary.Image, binary.Path = images[i].Ref, path.Join("/", binDir, b.parts[r.part].Output)
	return nil
}

// packing is one thing to compress; what several images share is compressed once.
type packing struct {
	what  string // for messages
	write func(io.Writer) error
	done  packed
}

func (r binaryRecipe) key() string { return "part " + r.part }
func (l layer) key() string        { return fmt.Sprintf("layer %v", l) }

// packAll compresses all executables and layers and returns them by key.
func (b *builder) packAll(ctx context.Context) (map[string]packed, error) {
	todo := map[string]*packing{}
	for _, r := range b.binaries {
		if r.image != "" {
			continue
		}
		todo[r.key()] = &packing{what: "binary " + r.name, write: b.writeExecutable(r.part)}
	}
	for _, r := range b.images {
		for i, l := range r.layers {
			todo[l.key()] = &packing{what: layerName(r.name, i), write: b.writeLayer(l)}
		}
	}
	b.start("blobs")
	var count atomic.Int64
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range todo {
		tasks.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if p.done, err = pack(filepath.Join(b.Cache, "packed"), p.write); err != nil {
				return fmt.Errorf("pack %s: %w", p.what, err)
			}
			b.sink.Emit(event.Event{Kind: event.Progress, Subject: "blobs", Message: p.what, Done: count.Add(1), Total: int64(len(todo))})
			return nil
		})
	}
	if err := tasks.Wait(); err != nil {
		return nil, err
	}
	done := map[string]packed{}
	for key, p := range todo {
		done[key] = p.done
	}
	b.sink.Emit(event.Event{Kind: event.Done, Subject: "blobs", Message: fmt.Sprintf("%d compressed", len(done))})
	return done, nil
}

// layerName is what messages call a layer; layers are counted from 1.
func layerName(image string, i int) string { return fmt.Sprintf("image %s layer %d", image, i+1) }

func (b *builder) writeExecutable(part string) func(io.Writer) error {
	return func(w io.Writer) error {
		made, ok := b.parts[part]
		if !ok {
			return fmt.Errorf("the distribution has no part %s", part)
		}
		f, err := os.Open(made.path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}
}

func (b *builder) writeLayer(l layer) func(io.Writer) error {
	return func(w io.Writer) error {
		var root *os.File
		if l.debian != "" {
			var err error
			if root, err = os.Open(b.roots[l.debian].Path); err != nil {
				return err
			}
			defer root.Close()
		}
		t, err := l.tree(b.parts, root)
		if err != nil {
			return err
		}
		return t.writeTo(w)
	}
}
