package bundle

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	digest "github.com/opencontainers/go-digest"

	"github.com/slipway/slipway/internal/blob"
)

const manifestEntry = "manifest.json"

// blobSource is where a blob's bytes come from while a bundle is written.
type blobSource struct {
	size int64
	open func() (io.ReadCloser, error)
	file string // of the cache; "" where the bytes come from elsewhere
}

// blobSet is the blobs of a bundle by digest.
type blobSet map[string]blobSource

func (s blobSet) addBytes(b []byte) {
	s[digest.FromBytes(b).String()] = blobSource{size: int64(len(b)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

func (s blobSet) addPacked(p packed) {
	s[p.Digest.String()] = blobSource{p.Size, func() (io.ReadCloser, error) { return os.Open(p.Path) }, p.Path}
}

// seal encodes m with its digest set.
func seal(m Manifest) ([]byte, error) {
	m.Digest = ""
	open, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	m.Digest = digest.FromBytes(open).String()
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// writeArchive writes a bundle. Its bytes depend on m and blobs alone. Each blob is checked on its
// way: one that is not what its digest says, such as from a damaged cache, is an error.
func writeArchive(w io.Writer, m Manifest, blobs blobSet) error {
	manifest, err := seal(m)
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	if err := out.WriteHeader(entryHeader(manifestEntry, int64(len(manifest)))); err != nil {
		return err
	}
	if _, err := out.Write(manifest); err != nil {
		return err
	}
	for _, d := range slices.Sorted(maps.Keys(blobs)) {
		if err := blobs[d].writeEntry(out, d); err != nil {
			return fmt.Errorf("blob %s: %w", d, err)
		}
	}
	return out.Close()
}

func (s blobSource) writeEntry(out *tar.Writer, d string) error {
	name, err := blob.EntryName(d)
	if err != nil {
		return err
	}
	r, err := s.open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := out.WriteHeader(entryHeader(name, s.size)); err != nil {
		return err
	}
	hash := digest.SHA256.Digester()
	if _, err := io.Copy(io.MultiWriter(out, hash.Hash()), r); err != nil {
		return err
	}
	got := hash.Digest().String()
	switch {
	case got != d && s.file != "":
		return fmt.Errorf("its bytes in the cache are %s: remove %s and build again", got, s.file)
	case got != d:
		return &blob.CorruptError{Digest: d, Got: got}
	}
	return nil
}

func entryHeader(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: 0o644, ModTime: epoch, Format: tar.FormatUSTAR}
}
