// Package bundletest writes small bundles for tests: real files in the real format, with a few bytes where
// programs and layers would be.
package bundletest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/node"
)

// Blob is what a program with that content is sent as.
func Blob(t testing.TB, content string) node.Blob {
	t.Helper()
	b := pack(t, content)
	return node.Blob{Digest: digest.FromBytes(b).String(), Size: int64(len(b))}
}

func pack(t testing.TB, content string) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return enc.EncodeAll([]byte(content), nil)
}

// Write writes to path a bundle for a Kubernetes version that holds a program for every role, "tool", from each content.
func Write(t testing.TB, path, kubernetes string, contents ...string) {
	t.Helper()
	m := bundle.Manifest{Format: bundle.FormatVersion, Kubernetes: kubernetes, Arch: "amd64", Versions: map[string]string{"tool": "1.0"}}
	for _, c := range contents {
		m.Binaries = append(m.Binaries, bundle.Binary{
			Name: "tool", Roles: []string{"control-plane", "worker", "load-balancer"}, Size: int64(len(c)),
			SHA256: digest.FromString(c).Encoded(), Blob: Blob(t, c),
		})
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	add := func(name string, content []byte) {
		if err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644, Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	add("manifest.json", seal(t, m))
	for _, c := range contents {
		name, err := blob.EntryName(Blob(t, c).Digest)
		if err != nil {
			t.Fatal(err)
		}
		add(name, pack(t, c))
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// seal encodes m with its digest, which is over its compact JSON without one.
func seal(t testing.TB, m bundle.Manifest) []byte {
	t.Helper()
	open, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	m.Digest = digest.FromBytes(open).String()
	sealed, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(sealed, '\n')
}
