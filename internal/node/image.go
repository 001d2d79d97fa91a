//go:build linux

package node

import (
	"context"
	"errors"
	"strings"
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

// releaseImage deletes the image from containerd, which must run.
func (p *pass) releaseImage(ctx context.Context, ref string) error {
	client, err := p.dialContainerd()
	if err != nil {
		return err
	}
	defer client.close()
	return client.remove(ctx, ref)
}

// Images are the digests of the manifests of the images that the machine's containerd holds, by reference.
func (m Machine) Images(ctx context.Context) (map[string]string, error) {
	client, err := m.dialContainerd()
	if err != nil {
		return nil, err
	}
	defer client.close()
	list, down, err := client.images(ctx)
	if err != nil {
		return nil, err
	}
	if down {
		return nil, errors.New("containerd does not run")
	}
	out := map[string]string{}
	for ref, i := range list {
		out[ref] = i.digest
	}
	return out, nil
}
