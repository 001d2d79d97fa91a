package bundle

import (
	"archive/tar"
	"fmt"
	"io"
	"slices"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/node"
)

// Select returns what a machine of the role receives, in the manifest's order.
func (b *Bundle) Select(role string) (binaries []Binary, images []Image) {
	return b.manifest.forRole(role)
}

func (m Manifest) forRole(role string) (binaries []Binary, images []Image) {
	for _, binary := range m.Binaries {
		if slices.Contains(binary.Roles, role) {
			binaries = append(binaries, binary)
		}
	}
	for _, image := range m.Images {
		if slices.Contains(image.Roles, role) {
			images = append(images, image)
		}
	}
	return binaries, images
}

// Resource is the binary as a node wants it at path.
func (b Binary) Resource(path string) node.Resource {
	r := node.Binary{Path: path, Mode: 0o755, SHA256: b.SHA256, Size: b.Size, Blob: b.Blob}
	if b.Image != "" {
		r.In = &node.ImageFile{Ref: b.Image, Path: b.Path}
	}
	return node.Resource{Binary: &r}
}

// Resource is the image as a node wants it.
func (i Image) Resource() node.Resource {
	return node.Resource{Image: &node.Image{Ref: i.Ref, Manifest: i.Manifest, Blobs: i.Blobs}}
}

// WriteTar writes the blobs as the stream that blob.Store.Receive reads. Progress, unless nil, is
// called from this goroutine with the number of blob bytes written since the last call.
func (b *Bundle) WriteTar(w io.Writer, digests []string, progress func(n int64)) error {
	out := tar.NewWriter(w)
	for _, d := range digests {
		if err := b.writeBlob(out, d, progress); err != nil {
			return fmt.Errorf("send blob %s: %w", d, err)
		}
	}
	return out.Close()
}

func (b *Bundle) writeBlob(out *tar.Writer, d string, progress func(n int64)) error {
	name, err := blob.EntryName(d)
	if err != nil {
		return err
	}
	content, err := b.Blob(d)
	if err != nil {
		return err
	}
	if err := out.WriteHeader(entryHeader(name, content.Size())); err != nil {
		return err
	}
	// Large enough that a channel of SSH is kept full, small enough that progress moves.
	_, err = io.CopyBuffer(reporter{out, progress}, onlyReader{content}, make([]byte, 256<<10))
	return err
}

// reporter tells progress how much was written.
type reporter struct {
	io.Writer
	progress func(n int64)
}

func (r reporter) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	if r.progress != nil {
		r.progress(int64(n))
	}
	return n, err
}

// onlyReader hides a reader's WriteTo, which would choose its own buffer.
type onlyReader struct{ io.Reader }
