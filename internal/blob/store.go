// Package blob keeps content-addressed blobs in a directory of a machine: received as a tar stream,
// checked against their digests while they are written and again while they are read.
package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	digest "github.com/opencontainers/go-digest"
)

// Store is a directory of blobs, each at sha256/HEX. It is made as needed. All methods are safe for
// concurrent use, also by several processes: a blob is there whole or not at all.
type Store struct{ Dir string }

// entryPrefix is the folder of blobs in a bundle and in a stream that Receive reads.
const entryPrefix = "blobs/"

// EntryName is the name under which a tar stream or a bundle carries the blob: "blobs/sha256/HEX".
func EntryName(d string) (string, error) {
	id, err := parse(d)
	if err != nil {
		return "", err
	}
	return entryPrefix + id.Algorithm().String() + "/" + id.Encoded(), nil
}

// EntryDigest is the inverse of EntryName.
func EntryDigest(name string) (string, error) {
	hex, ok := strings.CutPrefix(name, entryPrefix+"sha256/")
	id := digest.NewDigestFromEncoded(digest.SHA256, hex)
	if !ok || id.Validate() != nil {
		return "", fmt.Errorf("entry %q is no blob: expected %ssha256/ and 64 hexadecimal digits", name, entryPrefix)
	}
	return id.String(), nil
}

// Missing returns those digests that the store does not hold, in their order, each once.
// It does not read the blobs; Open does.
func (s Store) Missing(digests []string) ([]string, error) {
	var missing []string
	seen := map[string]bool{}
	for _, d := range digests {
		path, err := s.path(d)
		if err != nil {
			return nil, err
		}
		if seen[d] {
			continue
		}
		seen[d] = true
		info, err := os.Stat(path)
		switch {
		// Blobs are not synced to disk: after a power loss one may be there and empty.
		case errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0:
			missing = append(missing, d)
		case err != nil:
			return nil, fmt.Errorf("look for blob %s: %w", d, err)
		}
	}
	return missing, nil
}

// Open returns the blob's bytes. A Read that comes to the end of bytes which do not match the digest
// returns a *CorruptError instead of io.EOF and removes the blob, so that it will be sent again:
// use nothing of what was read before io.EOF. A blob that is not there is fs.ErrNotExist.
func (s Store) Open(d string) (io.ReadCloser, error) { return s.open(d) }

func (s Store) open(d string) (*reader, error) {
	path, err := s.path(d)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", d, err)
	}
	return &reader{file: f, digest: d, verifier: digest.Digest(d).Verifier()}, nil
}

// Link gives the blob's file the second name path, which must not be there yet, after checking its bytes and writing
// them to disk. The file becomes read-only for all, and must not be changed through either name. Of a blob that is corrupt or not
// there Link says what Open does; where path is on another file system, syscall.EXDEV.
func (s Store) Link(d, path string) error {
	r, err := s.open(d)
	if err != nil {
		return err
	}
	defer r.Close()
	// Without the wrapper io.Discard would choose its own buffer, a small one.
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 256<<10)); err != nil {
		return err
	}
	if err := r.file.Chmod(0o444); err != nil {
		return fmt.Errorf("link blob %s: %w", d, err)
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("link blob %s: %w", d, err)
	}
	return os.Link(r.file.Name(), path)
}

// Remove deletes the blob. One that is not there is no error.
func (s Store) Remove(d string) error {
	path, err := s.path(d)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove blob %s: %w", d, err)
	}
	return nil
}

// path is where the blob lies. Validation keeps a digest from naming a file elsewhere.
func (s Store) path(d string) (string, error) {
	id, err := parse(d)
	if err != nil {
		return "", err
	}
	return filepath.Join(s.Dir, id.Algorithm().String(), id.Encoded()), nil
}

func parse(d string) (digest.Digest, error) {
	id, err := digest.Parse(d)
	if err != nil || id.Algorithm() != digest.SHA256 {
		return "", fmt.Errorf("%q is no digest: expected sha256: and 64 hexadecimal digits", d)
	}
	return id, nil
}
