package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
)

// How large the entries that are held in memory may be. They are some KiB.
const (
	mostManifest = 1 << 20
	mostSpec     = 4 << 20
	mostSecrets  = 16 << 20
)

// Archive is an archive that is whole. Safe for concurrent use.
type Archive struct {
	path        string
	file        io.ReaderAt
	size        int64
	close       func() error
	manifest    Manifest
	manifestSum string
	spec        []byte
	sealed      []byte
	snapshot    *io.SectionReader // compressed
}

// Open reads all of the file and compares its sum before it returns: one byte that is not as it was written, or is missing, is a
// *DamagedError. Close it when done.
func Open(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("archive %s is no regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	a, err := read(path, f, info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	a.close = f.Close
	return a, nil
}

// Close releases the file.
func (a *Archive) Close() error { return a.close() }

// Manifest says what the archive is.
func (a *Archive) Manifest() Manifest { return a.manifest }

// Spec is the cluster's declaration, in HCL.
func (a *Archive) Spec() []byte { return bytes.Clone(a.spec) }

// Size of the file in bytes.
func (a *Archive) Size() int64 { return a.size }

func (a *Archive) damaged(format string, args ...any) error {
	return &DamagedError{Path: a.path, Reason: fmt.Sprintf(format, args...)}
}

func read(path string, file io.ReaderAt, size int64) (*Archive, error) {
	a := &Archive{path: path, file: file, size: size}
	if err := a.checkSum(); err != nil {
		return nil, err
	}
	body := &counted{r: io.NewSectionReader(file, 0, size-TailSize)}
	files := tar.NewReader(body)
	manifest, err := a.entry(files, manifestEntry, mostManifest)
	if err != nil {
		return nil, err
	}
	if a.manifest, err = decodeManifest(manifest); err != nil {
		var format *FormatError
		if errors.As(err, &format) {
			return nil, fmt.Errorf("archive %s: %w", path, err)
		}
		return nil, a.damaged("%v", err)
	}
	sum := sha256.Sum256(manifest)
	a.manifestSum = hex.EncodeToString(sum[:])
	if a.spec, err = a.entry(files, specEntry, mostSpec); err != nil {
		return nil, err
	}
	if a.sealed, err = a.entry(files, secretsEntry, mostSecrets); err != nil {
		return nil, err
	}
	h, err := a.next(files, snapshotEntry)
	if err != nil {
		return nil, err
	}
	if end := body.n + h.Size + filled(h.Size); end != size-TailSize {
		return nil, a.damaged("%s does not end where the sum begins", snapshotEntry)
	}
	a.snapshot = io.NewSectionReader(file, body.n, h.Size)
	return a, nil
}

// checkSum compares the file's last bytes with what they must be.
func (a *Archive) checkSum() error {
	if a.size < TailSize || a.size%block != 0 {
		return a.damaged("it is cut off, or no archive: %d bytes are no whole blocks", a.size)
	}
	sum, err := sumOf(a.file, a.size-TailSize)
	if err != nil {
		return err
	}
	have := make([]byte, TailSize)
	if _, err := a.file.ReadAt(have, a.size-TailSize); err != nil {
		return err
	}
	switch {
	case bytes.Equal(have, tail(sum)):
		return nil
	case !bytes.HasPrefix(have, header(sumEntry, int64(hex.EncodedLen(sha256.Size)+1))):
		return a.damaged("it is cut off, or no archive: it does not end with its sum")
	}
	return a.damaged("it is damaged: its bytes have the sum %x, and at its end stands another", sum)
}

func (a *Archive) next(files *tar.Reader, name string) (*tar.Header, error) {
	h, err := files.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, a.damaged("it holds no %s", name)
	case err != nil:
		return nil, a.damaged("%s: %v", name, err)
	case h.Name != name || h.Typeflag != tar.TypeReg:
		return nil, a.damaged("it holds %q where %s belongs", h.Name, name)
	}
	return h, nil
}

func (a *Archive) entry(files *tar.Reader, name string, most int64) ([]byte, error) {
	h, err := a.next(files, name)
	if err != nil {
		return nil, err
	}
	if h.Size == 0 || h.Size > most {
		return nil, a.damaged("%s has %d bytes, expected 1 to %d", name, h.Size, most)
	}
	content, err := io.ReadAll(files)
	if err != nil {
		return nil, a.damaged("%s: %v", name, err)
	}
	return content, nil
}

// counted knows how far it was read. It cannot seek, so that tar reads headers and no further.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// WriteSnapshot writes etcd's snapshot, with the sum behind it as etcd sent it, to w. An error after the last byte is possible:
// what was written counts only when it returns nil.
func (a *Archive) WriteSnapshot(w io.Writer) error {
	unpacked, err := zstd.NewReader(io.NewSectionReader(a.snapshot, 0, a.snapshot.Size()))
	if err != nil {
		return a.damaged("%s: %v", snapshotEntry, err)
	}
	defer unpacked.Close()
	h := sha256.New()
	out := &failing{w: w}
	n, err := io.Copy(io.MultiWriter(out, h), io.LimitReader(unpacked, a.manifest.Snapshot.Size+1))
	if out.err != nil {
		return fmt.Errorf("write the snapshot of archive %s: %w", a.path, out.err)
	}
	if err != nil {
		return a.damaged("%s: %v", snapshotEntry, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != a.manifest.Snapshot.Size || got != a.manifest.Snapshot.SHA256 {
		return a.damaged("%s is not the snapshot that the manifest tells of: sha256 %s, expected %s", snapshotEntry, got, a.manifest.Snapshot.SHA256)
	}
	return nil
}

// failing tells what the disk says apart from what the archive does.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (n int, err error) {
	n, f.err = f.w.Write(p)
	return n, f.err
}

// ExtractSnapshot writes etcd's snapshot to path, mode 0600, whole or not at all.
func (a *Archive) ExtractSnapshot(path string) (err error) {
	out, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }() // nothing where it was put in its place
	if err := a.WriteSnapshot(out); err != nil {
		return err
	}
	return out.CloseAtomicallyReplace()
}
