package bundle

import (
	"encoding/json"
	"regexp"
	"strings"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway/slipway/internal/node"
)

// registry is the host in the names of our images. It exists nowhere: nothing is ever pulled.
const registry = "slipway.local"

var notInTag = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// Reference is how the image of that name and version is called in a bundle and on machines. Debian's versions may hold what a tag may not.
func Reference(name, version string) string {
	return registry + "/" + name + ":v" + notInTag.ReplaceAllString(strings.TrimPrefix(version, "v"), "-")
}

// assemble makes r's image of its packed layers. The small blobs, config and manifest, are added to blobs.
func (r imageRecipe) assemble(version, arch string, layers []packed, blobs blobSet) (Image, error) {
	config := v1.Image{
		Platform: v1.Platform{Architecture: arch, OS: "linux"},
		Config: v1.ImageConfig{
			Entrypoint: r.entrypoint,
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			WorkingDir: "/",
		},
		RootFS: v1.RootFS{Type: "layers"},
	}
	manifest := v1.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.Raw)
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: v1.MediaTypeImageLayerZstd, Digest: l.Digest, Size: l.Size})
		blobs.addPacked(l)
	}
	configBytes, err := json.Marshal(config)
	if err != nil {
		return Image{}, err
	}
	manifest.Config = v1.Descriptor{MediaType: v1.MediaTypeImageConfig, Digest: digest.FromBytes(configBytes), Size: int64(len(configBytes))}
	manifestBytes, err := json.Marshal(manifest)
	if err != nil {
		return Image{}, err
	}
	blobs.addBytes(configBytes)
	blobs.addBytes(manifestBytes)
	image := Image{Name: r.name, Ref: Reference(r.name, version), Roles: r.roles,
		Manifest: node.Blob{Digest: digest.FromBytes(manifestBytes).String(), Size: int64(len(manifestBytes)), MediaType: v1.MediaTypeImageManifest},
		Blobs:    []node.Blob{blobOf(manifest.Config)},
	}
	for _, l := range manifest.Layers {
		image.Blobs = append(image.Blobs, blobOf(l))
	}
	return image, nil
}

func blobOf(d v1.Descriptor) node.Blob {
	return node.Blob{Digest: d.Digest.String(), Size: d.Size, MediaType: d.MediaType}
}
