//go:build lab || bench

package test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/node"
)

// bench is what both sides need and is made before any clock runs.
type bench struct {
	root    string
	version string // of Kubernetes
	bundle  *bundle.Bundle
	program string // kubeadm's executable
	payload string // directory of what kubeadm's machines are sent, a tar archive per role
}

// compileKubeadm compiles upstream's kubeadm as the bundle's kube is compiled: same modules, same flags.
func compileKubeadm(root, version string) (string, error) {
	parts, err := bundle.Parts(version)
	if err != nil {
		return "", err
	}
	kube := parts[slices.IndexFunc(parts, func(p bundle.Part) bool { return p.Name == "kube" })]
	out := filepath.Join(root, "build", "bench", "kubeadm-"+kube.Version)
	flags := strings.Join(append([]string{"-s", "-w"}, kube.LDFlags...), " ")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-modfile="+kube.Modfile, "-ldflags="+flags, "-o", out, "./kubeadm")
	build.Dir = filepath.Join(root, "distro", kube.Dir)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile kubeadm: %w\n%s", err, said)
	}
	return out, nil
}

// kubeadmImages maps the names under which kubeadm looks for images to the bundle's.
func (b *bench) kubeadmImages() (map[string]string, error) {
	list := exec.Command(b.program, "config", "images", "list", "--kubernetes-version", "v"+b.version)
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	ours := map[string]string{
		"kube-apiserver": "kube", "kube-controller-manager": "kube", "kube-scheduler": "kube",
		"kube-proxy": "kube-proxy", "coredns": "coredns", "pause": "pause", "etcd": "etcd",
	}
	names := map[string]string{}
	for _, ref := range strings.Fields(string(out)) {
		base, _, _ := strings.Cut(path.Base(ref), ":")
		if ours[base] == "" {
			return nil, fmt.Errorf("kubeadm wants image %s, for which the bundle has no counterpart", ref)
		}
		names[ref] = ours[base]
	}
	return names, nil
}

// layout is the OCI layout of images as tar, each under the bundle's name and under kubeadm's.
func (b *bench) layout(images []bundle.Image, names map[string]string) ([]byte, error) {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	blobs := map[string]node.Blob{}
	for _, image := range images {
		refs := []string{image.Ref}
		for theirs, ours := range names {
			if ours == image.Name {
				refs = append(refs, theirs)
			}
		}
		for _, ref := range refs {
			index.Manifests = append(index.Manifests, ocispec.Descriptor{
				MediaType: image.Manifest.MediaType, Digest: digest.Digest(image.Manifest.Digest), Size: image.Manifest.Size,
				Annotations: map[string]string{"io.containerd.image.name": ref},
			})
		}
		for _, blob := range append([]node.Blob{image.Manifest}, image.Blobs...) {
			blobs[blob.Digest] = blob
		}
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	text, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	if err := put(archive, ocispec.ImageLayoutFile, 0o644, []byte(`{"imageLayoutVersion":"`+ocispec.ImageLayoutVersion+`"}`)); err != nil {
		return nil, err
	}
	if err := put(archive, ocispec.ImageIndexFile, 0o644, text); err != nil {
		return nil, err
	}
	for d := range blobs {
		r, err := b.bundle.Blob(d)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if err := put(archive, "blobs/sha256/"+strings.TrimPrefix(d, "sha256:"), 0o644, content); err != nil {
			return nil, err
		}
	}
	err = archive.Close() // writes the end
	return out.Bytes(), err
}

func put(archive *tar.Writer, name string, mode int64, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err := archive.Write(content)
	return err
}
