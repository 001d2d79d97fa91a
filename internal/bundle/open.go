package bundle

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/node"
)

// maxManifest bounds what is read into memory before anything is known of a file.
const maxManifest = 16 << 20

// Bundle is an open bundle. Its methods are safe for concurrent use.
type Bundle struct {
	path     string
	file     *os.File
	size     int64
	manifest Manifest
	index    map[string]section // by digest
}

// section is where a blob lies in the file.
type section struct{ offset, size int64 }

// Open reads a bundle's manifest and index, not its blobs. A file that is no bundle, is of another
// format version, or lacks blobs that its manifest names is an error that says so.
func Open(path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	b := &Bundle{path: path, file: f, index: map[string]section{}}
	if err := b.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("bundle %s: %w", path, err), f.Close())
	}
	return b, nil
}

// Close closes the file; readers of blobs end with it.
func (b *Bundle) Close() error { return b.file.Close() }

// Path is the file's path as it was given to Open.
func (b *Bundle) Path() string { return b.path }

// Manifest says what the bundle holds. Its slices are shared: do not change them.
func (b *Bundle) Manifest() Manifest { return b.manifest }

// Blob returns the blob as it is stored, with its Size. Bytes are not checked here: Verify does it
// beforehand and the machine that receives them does it again.
func (b *Bundle) Blob(digest string) (*io.SectionReader, error) {
	s, ok := b.index[digest]
	if !ok {
		return nil, fmt.Errorf("bundle %s holds no blob %s", b.path, digest)
	}
	return io.NewSectionReader(b.file, s.offset, s.size), nil
}

func (b *Bundle) read() error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	b.size = info.Size()
	entries := tar.NewReader(b.file) // skips over contents by seeking
	first, err := entries.Next()
	if err != nil || first.Name != manifestEntry || first.Size > maxManifest {
		return fmt.Errorf("is no bundle: expected a tar archive that begins with %s", manifestEntry)
	}
	text, err := io.ReadAll(entries)
	if err != nil {
		return fmt.Errorf("is cut off within %s; copy or build it again", manifestEntry)
	}
	if err := b.decode(text); err != nil {
		return err
	}
	if err := b.readIndex(entries); err != nil {
		return err
	}
	return b.complete()
}

// decode takes the manifest out of its JSON.
func (b *Bundle) decode(text []byte) error {
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &format); err != nil {
		return fmt.Errorf("%s: %w", manifestEntry, err)
	}
	if format.Format != FormatVersion {
		return fmt.Errorf("has format version %d, this slipway reads %d: use the slipway that built it, or build it again with this one",
			format.Format, FormatVersion)
	}
	if err := json.Unmarshal(text, &b.manifest); err != nil {
		return fmt.Errorf("%s: %w", manifestEntry, err)
	}
	canonical, err := seal(b.manifest)
	if err != nil {
		return err
	}
	if string(canonical) != string(text) {
		return fmt.Errorf("%s was changed: it is not what its digest %s says", manifestEntry, b.manifest.Digest)
	}
	return nil
}

// readIndex notes where each blob lies, up to the archive's end or to where the file is cut off.
func (b *Bundle) readIndex(entries *tar.Reader) error {
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil // complete tells what is not there
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		d, err := blob.EntryDigest(header.Name)
		if err != nil {
			return err
		}
		offset, err := b.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if offset+header.Size <= b.size {
			b.index[d] = section{offset, header.Size}
		}
	}
}

// complete reports every blob that the manifest names and the file lacks.
func (b *Bundle) complete() error {
	for _, binary := range b.manifest.Binaries {
		if binary.Image == "" {
			continue
		}
		if _, err := b.manifest.holder(binary); err != nil {
			return err
		}
	}
	var missing []error
	for _, o := range b.owners() {
		s, ok := b.index[o.blob.Digest]
		switch {
		case !ok:
			missing = append(missing, fmt.Errorf("%s (%s) is missing", o.name, o.blob.Digest))
		case s.size != o.blob.Size:
			missing = append(missing, fmt.Errorf("%s (%s) has %d bytes, not %d", o.name, o.blob.Digest, s.size, o.blob.Size))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("is cut off or incomplete; copy or build it again: %w", errors.Join(missing...))
	}
	return nil
}

// owner is what a blob belongs to: "image etcd layer 1".
type owner struct {
	name string
	blob node.Blob
}

// owners lists every use of every blob, in the manifest's order.
func (b *Bundle) owners() (all []owner) {
	for _, binary := range b.manifest.Binaries {
		if binary.Image == "" {
			all = append(all, owner{"binary " + binary.Name, binary.Blob})
		}
	}
	for _, image := range b.manifest.Images {
		all = append(all, owner{"image " + image.Name + " manifest", image.Manifest})
		for i, bl := range image.Blobs {
			name := "image " + image.Name + " config"
			if i > 0 {
				name = layerName(image.Name, i-1)
			}
			all = append(all, owner{name, bl})
		}
	}
	return all
}
