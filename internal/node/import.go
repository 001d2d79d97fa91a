//go:build linux

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/slipway/slipway/internal/event"
)

// batch is images that are imported together: what they share is handled once.
type batch struct {
	*pass
	containerd
	images  []contents
	blobs   []Blob // each once
	unpacks map[digest.Digest]func() error
}

// contents is what an image's own manifest and configuration say of it.
type contents struct {
	*Image
	manifest ocispec.Manifest
	diffs    []digest.Digest // of the layers, uncompressed
	chains   []digest.Digest // names of the snapshots of each layer on those below it
}

// importImages makes containerd hold and unpack the images named by changes, and remembers that they are there. It does
// what `ctr images import` does, but no blob is copied on the way. Images appear one by one, each once it is whole.
func (p *pass) importImages(ctx context.Context, changes []Change) error {
	client, err := p.dialContainerd()
	if err != nil {
		return err
	}
	defer client.close()
	b := batch{pass: p, containerd: client, unpacks: map[digest.Digest]func() error{}}
	for _, c := range changes {
		if err := b.read(p.resources[c.ID].Image); err != nil {
			return fmt.Errorf("import %s: %w", c.ID, err)
		}
	}
	if err := client.underLease(ctx, b.make); err != nil {
		return fmt.Errorf("import images: %w", err)
	}
	p.forgetImages()
	for _, i := range b.images {
		p.inv.entry(i.id()).SHA256 = i.Manifest.Digest
	}
	return p.writeInventory(p.inv)
}

// read takes an image into the batch, whose blobs must all have been sent.
func (b *batch) read(i *Image) error {
	seen := map[string]bool{}
	for _, blob := range b.blobs {
		seen[blob.Digest] = true
	}
	var digests []string
	for _, blob := range (Resource{Image: i}).Blobs() {
		digests = append(digests, blob.Digest)
		if !seen[blob.Digest] {
			seen[blob.Digest] = true
			b.blobs = append(b.blobs, blob)
		}
	}
	missing, err := b.Blobs().Missing(digests)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d blobs have not been sent to this machine, such as %s: apply again", len(missing), missing[0])
	}
	c, err := readContents(i, b.decode)
	if err != nil {
		return err
	}
	b.images = append(b.images, c)
	return nil
}

// decode decodes a small blob of JSON.
func (b *batch) decode(d string, v any) error {
	r, err := b.Blobs().Open(d)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// readContents reads what decode decodes of the blobs of i.
func readContents(i *Image, decode func(d string, v any) error) (contents, error) {
	c := contents{Image: i}
	var config ocispec.Image
	if err := decode(i.Manifest.Digest, &c.manifest); err != nil {
		return c, fmt.Errorf("blob %s: %w", i.Manifest.Digest, err)
	}
	if err := decode(c.manifest.Config.Digest.String(), &config); err != nil {
		return c, fmt.Errorf("blob %s: %w", c.manifest.Config.Digest, err)
	}
	c.diffs = config.RootFS.DiffIDs
	if len(c.diffs) != len(c.manifest.Layers) || len(c.diffs) == 0 {
		return c, fmt.Errorf("its configuration tells of %d layers, its manifest of %d: build the bundle again", len(c.diffs), len(c.manifest.Layers))
	}
	c.chains = identity.ChainIDs(slices.Clone(c.diffs)) // works in place
	return c, nil
}

// make brings in the blobs, then unpacks the layers and names the images.
func (b *batch) make(ctx context.Context) error {
	links := errgroup.Group{}
	links.SetLimit(runtime.NumCPU())
	for _, blob := range b.blobs {
		links.Go(func() error { return b.linkBlob(blob.Digest) })
	}
	if err := links.Wait(); err != nil {
		return err
	}
	if err := b.syncContent(); err != nil {
		return err
	}
	labels := map[string]map[string]string{}
	for _, i := range b.images {
		labels[i.Manifest.Digest] = i.references()
	}
	for _, blob := range b.blobs {
		if err := b.adopt(ctx, b.Blobs(), blob, labels[blob.Digest]); err != nil {
			return err
		}
	}
	b.plan(ctx)
	work := errgroup.Group{}
	for _, i := range b.images {
		work.Go(func() error {
			for _, chain := range i.chains {
				if err := b.unpacks[chain](); err != nil {
					return fmt.Errorf("unpack %s: %w", i.Ref, err)
				}
			}
			return b.name(ctx, i)
		})
	}
	return work.Wait()
}

// plan lays out how each snapshot is made, once, by whoever asks first.
func (b *batch) plan(ctx context.Context) {
	slots := make(chan struct{}, runtime.NumCPU()) // containerd unpacks one layer with about one processor
	var lock sync.Mutex
	var done, total int64
	for _, i := range b.images {
		for n, chain := range i.chains {
			if b.unpacks[chain] != nil {
				continue
			}
			l := layer{blob: i.manifest.Layers[n], diff: i.diffs[n], chain: chain}
			if n > 0 {
				l.parent = i.chains[n-1].String()
			}
			total += l.blob.Size
			b.unpacks[chain] = sync.OnceValue(func() error {
				slots <- struct{}{}
				defer func() { <-slots }()
				err := b.unpack(ctx, l)
				lock.Lock()
				defer lock.Unlock()
				done += l.blob.Size
				b.emit(event.Event{Kind: event.Progress, Subject: "images", Done: done, Total: total})
				return err
			})
		}
	}
}

// references are the labels by which containerd knows what the image's manifest refers to.
// https://github.com/containerd/containerd/blob/v2.4.2/core/images/mediatypes.go
func (c contents) references() map[string]string {
	labels := map[string]string{"containerd.io/gc.ref.content.config": c.manifest.Config.Digest.String()}
	for n, l := range c.manifest.Layers {
		labels["containerd.io/gc.ref.content.l."+strconv.Itoa(n)] = l.Digest.String()
	}
	return labels
}
