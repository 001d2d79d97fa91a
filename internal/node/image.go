//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/slipway/slipway/internal/event"
)

func (i *Image) id() string { return "image " + i.Ref }

// imageList is what a pass has read of containerd.
type imageList struct {
	down   bool
	byRef  map[string]image
	client containerd
}

func (p *pass) imageList(ctx context.Context) (*imageList, error) {
	if p.images != nil {
		return p.images, nil
	}
	client, err := p.dialContainerd()
	if err != nil {
		return nil, err
	}
	list, down, err := client.images(ctx)
	if err != nil {
		client.close()
		return nil, err
	}
	p.images = &imageList{down: down, byRef: list, client: client}
	return p.images, nil
}

// forgetImages makes the pass ask again.
func (p *pass) forgetImages() {
	if p.images != nil {
		p.images.client.close()
		p.images = nil
	}
}

// diff, with containerd down, takes an image that was imported to be still there: that containerd
// is down shows by itself, and the comparison after it has been started finds out.
func (i *Image) diff(ctx context.Context, p *pass) (*Change, error) {
	want := i.Manifest.Digest
	missing := &Change{Action: Create, After: want, Blobs: Resource{Image: i}.Blobs()}
	list, err := p.imageList(ctx)
	if err != nil {
		return nil, err
	}
	if list.down {
		if e := p.inv.entry(i.id()); e != nil && e.SHA256 == want && p.stored(want) {
			return nil, nil
		}
		return missing, nil
	}
	got, ok := list.byRef[i.Ref]
	if !ok {
		return missing, nil
	}
	missing.Action, missing.Before = Update, got.digest
	if got.digest != want {
		return missing, nil
	}
	unpacked, err := list.client.unpacked(ctx, i.config())
	switch {
	case err != nil:
		return nil, err
	case !unpacked:
		missing.Reason = "not unpacked"
	case !got.pinned:
		missing.Reason = "not pinned, the kubelet might delete it"
	default:
		return nil, nil
	}
	return missing, nil
}

// stored reports whether containerd's own store, looked at from outside, holds the blob.
func (m Machine) stored(digest string) bool {
	hex := strings.TrimPrefix(digest, "sha256:")
	_, err := os.Stat(m.path("/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256", hex))
	return err == nil
}

// config is the digest of the image's configuration, the first of its blobs.
func (i *Image) config() string {
	for _, b := range i.Blobs {
		if strings.Contains(b.MediaType, "config") || strings.Contains(b.MediaType, "container.image") {
			return b.Digest
		}
	}
	if len(i.Blobs) > 0 {
		return i.Blobs[0].Digest
	}
	return i.Manifest.Digest
}

func (i *Image) claim(context.Context, *pass, *entry) error { return nil }

func (i *Image) apply(ctx context.Context, p *pass) error {
	return p.importImages(ctx, []Change{{ID: i.id()}})
}

// importImages imports the images named by changes in one stream and remembers that they are there.
func (p *pass) importImages(ctx context.Context, changes []Change) error {
	var images []*Image
	for _, c := range changes {
		images = append(images, p.resources[c.ID].Image)
	}
	archive, err := newArchive(p.Blobs(), images)
	if err != nil {
		return err
	}
	if err := p.importArchive(ctx, archive); err != nil {
		return fmt.Errorf("import images: %w", err)
	}
	p.forgetImages()
	for _, i := range images {
		p.inv.entry(i.id()).SHA256 = i.Manifest.Digest
	}
	return p.writeInventory(p.inv)
}

// importArchive streams the archive through containerd's own client, which unpacks on the way.
func (p *pass) importArchive(ctx context.Context, a *archive) error {
	var said strings.Builder
	ctr := exec.CommandContext(ctx, p.path("/usr/local/bin/ctr"), "--address", p.path(containerdSocket), "--namespace", containerdNamespace,
		"images", "import", "--label", pinnedLabel+"="+pinnedValue, "-")
	ctr.Stderr = &said
	in, err := ctr.StdinPipe()
	if err != nil {
		return err
	}
	if err := ctr.Start(); err != nil {
		return err
	}
	counter := &counter{w: in, tell: func(n int64) {
		p.emit(event.Event{Kind: event.Progress, Subject: "images", Done: min(n, a.size), Total: a.size})
	}}
	writeErr := errors.Join(a.write(counter), in.Close())
	if writeErr != nil {
		_ = ctr.Process.Kill() // rather than let it import half of the images
	}
	if err := ctr.Wait(); err != nil && writeErr == nil {
		if said := tail(said.String(), 2000); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return fmt.Errorf("ctr images import: %w", err)
	} else if err != nil && said.Len() > 0 {
		// A pipe broken by ctr's own end is not the cause.
		return fmt.Errorf("%w: %s", writeErr, tail(said.String(), 2000))
	}
	return writeErr
}

// releaseImage deletes the image from containerd, which must run.
func (p *pass) releaseImage(ctx context.Context, ref string) error {
	client, err := p.dialContainerd()
	if err != nil {
		return err
	}
	defer client.close()
	return client.remove(ctx, ref)
}

// counter tells how much has been written through it, every few megabytes.
type counter struct {
	w       io.Writer
	tell    func(int64)
	n, told int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	if c.n-c.told >= 8<<20 {
		c.told = c.n
		c.tell(c.n)
	}
	return n, err
}
