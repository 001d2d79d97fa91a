//go:build linux

package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

func (b *Binary) id() string { return "binary " + b.Path }

func (b *Binary) diff(_ context.Context, p *pass) (*Change, error) {
	want := "sha256:" + b.SHA256
	c := &Change{Action: Create, After: want, Blobs: Resource{Binary: b}.Blobs()}
	info, err := os.Lstat(p.path(b.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return nil, err
	}
	c.Action = Update
	if !info.Mode().IsRegular() {
		c.Before = "a " + info.Mode().Type().String() + " file"
		return c, nil
	}
	sum, err := p.digest(b, info)
	if err != nil {
		return nil, err
	}
	if sum != b.SHA256 {
		c.Before = "sha256:" + sum
		return c, nil
	}
	if is, want := fileAttributes(info), attributes(fs.FileMode(b.Mode), b.user(p), b.user(p)); is != want {
		return &Change{Action: Update, Reason: is + ", want " + want}, nil
	}
	return nil, nil
}

// digest is the file's SHA-256 in hex, from the inventory where the file has not changed since.
func (p *pass) digest(b *Binary, info fs.FileInfo) (string, error) {
	e, now := p.inv.entry(b.id()), stampOf(info)
	if e != nil && e.Stamp != nil && *e.Stamp == now {
		return e.SHA256, nil
	}
	if e == nil && info.Size() != b.Size {
		return fmt.Sprintf("unknown, of %d bytes", info.Size()), nil
	}
	f, err := os.Open(p.path(b.Path))
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	hex := hex.EncodeToString(sum.Sum(nil))
	if e != nil {
		e.SHA256, e.Stamp = hex, &now // kept if this pass belongs to a converge
	}
	return hex, nil
}

func (b *Binary) claim(_ context.Context, p *pass, e *entry) error {
	return p.claimFile(b.Path, e, func() (bool, error) {
		info, err := os.Lstat(p.path(b.Path))
		if err != nil {
			return false, err
		}
		sum, err := p.digest(b, info)
		return sum == b.SHA256, err
	})
}

// apply may run for several binaries at once: it reads of p only what nobody writes meanwhile.
func (b *Binary) apply(ctx context.Context, p *pass) error {
	path := p.path(b.Path)
	e := p.inv.entry(b.id())
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		if sum, err := p.digest(b, info); err == nil && sum == b.SHA256 {
			return b.stamp(path, e, b.chmod(p, path))
		}
	}
	if err := b.putAside(p, e); err != nil {
		return err
	}
	if back, err := b.takeBack(p, path); back || err != nil {
		return b.stamp(path, e, err)
	}
	if b.In != nil {
		return b.stamp(path, e, b.take(ctx, p, path))
	}
	packed, err := p.Blobs().Open(b.Blob.Digest)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob %s has not been sent to this machine: apply again", b.Blob.Digest)
	}
	if err != nil {
		return err
	}
	defer packed.Close()
	return b.stamp(path, e, b.unpack(ctx, path, b.user(p), packed))
}

func (b *Binary) unpack(ctx context.Context, path string, user int, packed io.Reader) error {
	unpacked, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer unpacked.Close()
	return replaceFile(path, b.Mode, user, func(w io.Writer) error {
		err := b.copy(w, unpacked)
		if wrong := new(wrongBytesError); errors.As(err, &wrong) {
			return fmt.Errorf("blob %s: %w: build the bundle again", b.Blob.Digest, err)
		}
		if err != nil {
			return fmt.Errorf("unpack blob %s: %w", b.Blob.Digest, err)
		}
		return ctx.Err()
	})
}

// wrongBytesError is an executable that is not the wanted one.
type wrongBytesError struct{ got, want string }

func (e *wrongBytesError) Error() string {
	return fmt.Sprintf("an executable with sha256 %s, expected %s", e.got, e.want)
}

// copy copies the executable from r to w, and tells at its end by a *wrongBytesError if it is not b's.
func (b *Binary) copy(w io.Writer, r io.Reader) error {
	sum := sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(w, sum), struct{ io.Reader }{r}, make([]byte, 256<<10)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != b.SHA256 {
		return &wrongBytesError{got, b.SHA256}
	}
	return nil
}

// user is root; tests may run as anybody.
func (b *Binary) user(p *pass) int {
	if p.Root != "" {
		return os.Getuid()
	}
	return 0
}

func (b *Binary) chmod(p *pass, path string) error {
	return setAttributes(path, b.Mode, b.user(p), b.user(p))
}

// stamp remembers the digest of the file as it now lies there, unless err.
func (b *Binary) stamp(path string, e *entry, err error) error {
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	now := stampOf(info)
	e.SHA256, e.Stamp = b.SHA256, &now
	return nil
}
