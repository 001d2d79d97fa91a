//go:build linux

package node

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway/slipway/internal/blob"
)

// imageNameAnnotation names an image in an OCI layout for containerd.
// https://github.com/containerd/containerd/blob/v2.4.2/core/images/annotations.go
const imageNameAnnotation = "io.containerd.image.name"

// archive is an OCI image layout of several images, to be written as tar from the blob store.
type archive struct {
	store blob.Store
	index []byte
	blobs []Blob // each once
	size  int64  // of all blobs
}

// newArchive fails if a blob has not been sent to this machine.
func newArchive(store blob.Store, images []*Image) (*archive, error) {
	a := &archive{store: store}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	seen := map[string]bool{}
	var digests []string
	for _, i := range images {
		mediaType := i.Manifest.MediaType
		if mediaType == "" {
			mediaType = ocispec.MediaTypeImageManifest
		}
		index.Manifests = append(index.Manifests, ocispec.Descriptor{
			MediaType: mediaType, Digest: digest.Digest(i.Manifest.Digest), Size: i.Manifest.Size,
			Annotations: map[string]string{imageNameAnnotation: i.Ref},
		})
		for _, b := range (Resource{Image: i}).Blobs() {
			if !seen[b.Digest] {
				seen[b.Digest] = true
				a.blobs, digests, a.size = append(a.blobs, b), append(digests, b.Digest), a.size+b.Size
			}
		}
	}
	missing, err := store.Missing(digests)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("import images: %d blobs have not been sent to this machine, such as %s: apply again", len(missing), missing[0])
	}
	a.index, err = json.Marshal(index)
	return a, err
}

// write streams the archive. What is read of the store is checked against its digests.
func (a *archive) write(w io.Writer) error {
	t := tar.NewWriter(w)
	layout := `{"imageLayoutVersion":"` + ocispec.ImageLayoutVersion + `"}`
	for _, f := range []struct{ name, content string }{{ocispec.ImageLayoutFile, layout}, {ocispec.ImageIndexFile, string(a.index)}} {
		if err := entryTo(t, f.name, int64(len(f.content)), strings.NewReader(f.content)); err != nil {
			return err
		}
	}
	for _, b := range a.blobs {
		name, err := blob.EntryName(b.Digest)
		if err != nil {
			return err
		}
		r, err := a.store.Open(b.Digest)
		if err != nil {
			return err
		}
		err = entryTo(t, name, b.Size, r)
		_ = r.Close()
		if err != nil {
			return err
		}
	}
	return t.Close()
}

func entryTo(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if _, err := io.CopyBuffer(t, struct{ io.Reader }{r}, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
