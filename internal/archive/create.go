package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/slipway/slipway/internal/etcd"
)

// Contents is what goes into an archive.
type Contents struct {
	Manifest   Manifest          // without Format, Snapshot and Recipients
	Spec       []byte            // the cluster's declaration, as spec.Write gives it
	Secrets    map[string][]byte // by path on a control plane, as pki.Rebuild takes them
	Recipients []Recipient       // at least one
	Snapshot   string            // path of the file that etcd.Client.Snapshot wrote
}

// Create writes an archive to path, mode 0600, whole or not at all, and returns its manifest. What is at path already is replaced.
func Create(path string, c Contents) (Manifest, error) {
	m, err := create(path, c)
	if err != nil {
		return Manifest{}, fmt.Errorf("write archive %s: %w", path, err)
	}
	return m, nil
}

func create(path string, c Contents) (m Manifest, err error) {
	if err := c.check(); err != nil {
		return m, err
	}
	snapshot, err := os.Open(c.Snapshot)
	if err != nil {
		return m, err
	}
	defer snapshot.Close()
	if m, err = c.describe(snapshot); err != nil {
		return m, err
	}
	manifest, err := m.encode()
	if err != nil {
		return m, err
	}
	sum := sha256.Sum256(manifest)
	keys, err := seal(sealed{Manifest: hex.EncodeToString(sum[:]), Files: c.Secrets}, c.Recipients)
	if err != nil {
		return m, err
	}
	out, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }() // nothing where it was put in its place
	for _, e := range []struct {
		name    string
		content []byte
	}{{manifestEntry, manifest}, {specEntry, c.Spec}, {secretsEntry, keys}} {
		if err := writeEntry(out, e.name, e.content); err != nil {
			return m, err
		}
	}
	if err := writeSnapshot(out.File, snapshot); err != nil {
		return m, err
	}
	if err := finish(out.File); err != nil {
		return m, err
	}
	return m, out.CloseAtomicallyReplace()
}

func (c Contents) check() error {
	switch {
	case len(c.Recipients) == 0:
		return errors.New("it names no recipient: nobody could read the keys in it")
	case len(c.Secrets) == 0:
		return errors.New("it is given no keys: nothing could be restored from it alone")
	case len(c.Spec) == 0:
		return errors.New("it is given no declaration of the cluster")
	}
	return c.Manifest.check()
}

// describe is the manifest with what Create knows itself. A snapshot that is damaged already gets no further.
func (c Contents) describe(snapshot *os.File) (Manifest, error) {
	m := c.Manifest
	m.Format, m.Taken, m.Recipients = Format, m.Taken.UTC(), nil
	for _, r := range c.Recipients {
		m.Recipients = append(m.Recipients, r.String())
	}
	size, err := etcd.CheckSnapshot(snapshot)
	if err != nil {
		return m, fmt.Errorf("snapshot %s: %w", c.Snapshot, err)
	}
	sum, err := sumOf(snapshot, size)
	m.Snapshot = Snapshot{Size: size, SHA256: hex.EncodeToString(sum)}
	return m, err
}

func writeEntry(w io.Writer, name string, content []byte) error {
	size := int64(len(content))
	for _, part := range [][]byte{header(name, size), content, make([]byte, filled(size))} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// writeSnapshot compresses straight into the file: how much that gives is known only then, and entered into the header that was
// left empty.
func writeSnapshot(out, snapshot *os.File) error {
	at, err := out.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := out.Seek(block, io.SeekCurrent); err != nil {
		return err
	}
	if _, err := snapshot.Seek(0, io.SeekStart); err != nil {
		return err
	}
	packer, err := zstd.NewWriter(out)
	if err != nil {
		return err
	}
	if _, err := io.Copy(packer, snapshot); err != nil {
		return errors.Join(err, packer.Close())
	}
	if err := packer.Close(); err != nil {
		return err
	}
	end, err := out.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	size := end - at - block
	if _, err := out.Write(make([]byte, filled(size))); err != nil {
		return err
	}
	_, err = out.WriteAt(header(snapshotEntry, size), at)
	return err
}

// finish puts the sum of what is in the file behind it.
func finish(out *os.File) error {
	size, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	sum, err := sumOf(out, size)
	if err != nil {
		return err
	}
	_, err = out.Write(tail(sum))
	return err
}
