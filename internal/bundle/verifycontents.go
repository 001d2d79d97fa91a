package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	digest "github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// contents are the digests of what compressed blobs hold, by the blobs' digests: for executables out
// of the manifest, for layers out of their image's config.
func (b *Bundle) contents() (map[string]digest.Digest, error) {
	want := map[string]digest.Digest{}
	for _, binary := range b.manifest.Binaries {
		if binary.Image != "" {
			continue
		}
		want[binary.Blob.Digest] = digest.NewDigestFromEncoded(digest.SHA256, binary.SHA256)
	}
	var problems []error
	for _, image := range b.manifest.Images {
		diffs, err := b.imageContents(image)
		if err != nil {
			problems = append(problems, fmt.Errorf("image %s: %w", image.Name, err))
			continue
		}
		for i, d := range diffs {
			want[image.Blobs[i+1].Digest] = d
		}
	}
	return want, errors.Join(problems...)
}

// imageContents returns the diff ids of an image's layers. Its manifest, and so the runtime that
// reads it, must name the very blobs that the bundle lists for it.
func (b *Bundle) imageContents(image Image) ([]digest.Digest, error) {
	var m v1.Manifest
	if err := b.decodeBlob(image.Manifest.Digest, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var named []string
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		named = append(named, d.Digest.String())
	}
	var listed []string
	for _, bl := range image.Blobs {
		listed = append(listed, bl.Digest)
	}
	if !slices.Equal(named, listed) {
		return nil, fmt.Errorf("its manifest names other blobs than the bundle lists for it")
	}
	var config v1.Image
	if err := b.decodeBlob(listed[0], &config); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if len(config.RootFS.DiffIDs) != len(m.Layers) {
		return nil, fmt.Errorf("its config tells of %d layers, its manifest of %d", len(config.RootFS.DiffIDs), len(m.Layers))
	}
	return config.RootFS.DiffIDs, nil
}

// decodeBlob decodes a small blob of JSON; one that is corrupt is left to verifyBlob to name.
func (b *Bundle) decodeBlob(d string, v any) error {
	r, err := b.Blob(d)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}
