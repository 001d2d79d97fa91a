package blob

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	digest "github.com/opencontainers/go-digest"
)

// staleAfter is the age at which what a killed Receive left behind is swept away: longer than any
// one blob takes over a link on which an apply still makes sense.
const staleAfter = time.Hour

// Receive stores the blobs of a tar stream whose entries are named by EntryName, to the stream's end.
// Each is checked while it is written and appears only once it is whole: a changed byte is a
// *CorruptError, and blobs before it stay. A blob that is there already is replaced.
//
// Nothing is synced to disk, for a blob can be sent again: Open checks what it reads. A stream cut
// off between two entries is no error here; ask Missing for what did not come.
func (s Store) Receive(r io.Reader) error {
	dir := filepath.Join(s.Dir, digest.SHA256.String())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("receive blobs: %w", err)
	}
	if err := sweep(dir); err != nil {
		return fmt.Errorf("receive blobs: %w", err)
	}
	tr := tar.NewReader(r)
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive blobs: %w", err)
		}
		d, err := EntryDigest(header.Name)
		if err != nil {
			return fmt.Errorf("receive blobs: %w", err)
		}
		if header.Typeflag != tar.TypeReg {
			return fmt.Errorf("receive blobs: entry %q is not a regular file", header.Name)
		}
		if err := s.store(d, tr); err != nil {
			return fmt.Errorf("receive: %w", err)
		}
	}
}

// store writes r to the blob's place by way of a temporary file beside it.
func (s Store) store(d string, r io.Reader) (err error) {
	path, err := s.path(d)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*")
	if err != nil {
		return fmt.Errorf("blob %s: %w", d, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	hash := digest.SHA256.Digester()
	_, err = io.CopyBuffer(io.MultiWriter(tmp, hash.Hash()), r, make([]byte, 256<<10))
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("blob %s: %w", d, err)
	}
	if got := hash.Digest().String(); got != d {
		return &CorruptError{Digest: d, Got: got}
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("blob %s: %w", d, err)
	}
	return nil
}

const tempPrefix = ".receiving-"

// sweep removes the temporary files of earlier runs that were killed.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		info, err := os.Stat(path)
		if err == nil && time.Since(info.ModTime()) > staleAfter {
			err = os.Remove(path)
		}
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
