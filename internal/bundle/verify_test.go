package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/blob"
	"github.com/slipway/slipway/internal/event"
)

// openAndVerify is what a user who verifies a file meets.
func openAndVerify(t *testing.T, path string) error {
	t.Helper()
	b, err := Open(path)
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Verify(t.Context(), event.Discard)
}

func TestVerifyAcceptsWhatWasBuilt(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	if err := openAndVerify(t, path); err != nil {
		t.Error(err)
	}
}

func TestAChangedByteInABlobIsNamed(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	for _, o := range b.owners() {
		at := b.index[o.blob.Digest]
		for _, offset := range []int64{at.offset, at.offset + at.size/2, at.offset + at.size - 1} {
			flip(t, path, offset)
			err := openAndVerify(t, path)
			if err == nil || !strings.Contains(err.Error(), o.name) || !strings.Contains(err.Error(), o.blob.Digest) {
				t.Errorf("%s changed: %v", o.name, err)
			}
			var sent bytes.Buffer
			if err := b.WriteTar(&sent, []string{o.blob.Digest}, nil); err != nil {
				t.Fatal(err)
			}
			err = blob.Store{Dir: t.TempDir()}.Receive(&sent)
			var corrupt *blob.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Digest != o.blob.Digest {
				t.Errorf("%s changed and received: %v", o.name, err)
			}
			flip(t, path, offset)
		}
	}
	if err := openAndVerify(t, path); err != nil {
		t.Errorf("all bytes as they were: %v", err)
	}
}

func TestAChangedByteAnywhereElseIsRefused(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	inBlob := func(offset int64) bool {
		for _, s := range b.index {
			if s.offset <= offset && offset < s.offset+s.size {
				return true
			}
		}
		return false
	}
	for offset := int64(0); offset < b.size; offset += 41 {
		if inBlob(offset) {
			continue
		}
		flip(t, path, offset)
		if err := openAndVerify(t, path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("byte %d of %d changed: %v", offset, b.size, err)
		}
		flip(t, path, offset)
	}
}

func TestATruncatedFileIsRefused(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	whole := contentOf(t, path)
	last := open(t, path).lastBlob()
	for _, n := range []int{0, 100, 512, 600, 5000, len(whole) / 2, int(last.offset), int(last.offset + last.size - 1),
		len(whole) - 1024, len(whole) - 1} {
		cut := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(cut, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := openAndVerify(t, cut); err == nil || !strings.Contains(err.Error(), cut) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func (b *Bundle) lastBlob() (last section) {
	for _, s := range b.index {
		if s.offset > last.offset {
			last = s
		}
	}
	return last
}

func TestAMissingBlobIsNamed(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	last := b.lastBlob()
	if err := os.Truncate(path, last.offset+1); err != nil {
		t.Fatal(err)
	}
	for d, s := range b.index {
		if s == last {
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), b.namesByDigest()[d][:8]) || !strings.Contains(err.Error(), d) {
				t.Errorf("%s: %v", d, err)
			}
		}
	}
}

func TestABlobThatBelongsToNothingIsNamed(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	blobs := blobSet{}
	for d := range b.index {
		blobs[d] = b.source(d)
	}
	blobs.addBytes([]byte("stowaway"))
	var extra bytes.Buffer
	if err := writeArchive(&extra, b.manifest, blobs); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "extra")
	if err := os.WriteFile(other, extra.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := openAndVerify(t, other); err == nil || !strings.Contains(err.Error(), "belongs to nothing") {
		t.Error(err)
	}
}

func TestAnExecutableOtherThanPromisedIsNamed(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	m := b.manifest
	m.Binaries = append([]Binary{}, m.Binaries...)
	m.Binaries[0].SHA256 = strings.Repeat("0", 64)
	m.Binaries = m.Binaries[:1]
	lie := rewrite(t, b, m)
	if err := openAndVerify(t, lie); err == nil || !strings.Contains(err.Error(), "binary hello (sha256:") || !strings.Contains(err.Error(), "decompresses to") {
		t.Error(err)
	}
}

func TestAnExecutableInAnImageIsChecked(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	with := func(change func(*Binary)) string {
		m := b.manifest
		m.Binaries = slices.Clone(m.Binaries)
		change(&m.Binaries[1])
		return rewrite(t, b, m)
	}
	if bonjour := b.manifest.Binaries[1]; bonjour.Image != "slipway.local/tools:v1-2.0-deb12u1" || bonjour.Path != "/usr/local/bin/hello" || bonjour.Blob.Digest != "" ||
		bonjour.SHA256 != b.manifest.Binaries[0].SHA256 || bonjour.Size != b.manifest.Binaries[0].Size {
		t.Fatalf("%+v", bonjour)
	}
	for want, change := range map[string]func(*Binary){
		"has sha256":            func(b *Binary) { b.SHA256 = strings.Repeat("0", 64) },
		"holds no file /bin/no": func(b *Binary) { b.Path = "/bin/no" },
		"no executable file":    func(b *Binary) { b.Path = "/etc/passwd" },
	} {
		if err := openAndVerify(t, with(change)); err == nil || !strings.Contains(err.Error(), "binary bonjour") || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q: %v", want, err)
		}
	}
	for want, change := range map[string]func(*Binary){
		"does not hold":                 func(b *Binary) { b.Image = "slipway.local/none:v1" },
		"not for load-balancer machine": func(b *Binary) { b.Roles = []string{loadBalancer} },
	} {
		if _, err := Open(with(change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected %q: %v", want, err)
		}
	}
}

func TestOtherFormatsAreRefused(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	m := b.manifest
	m.Format = FormatVersion + 1
	_, err := Open(rewrite(t, b, m))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("format version %d, this slipway reads %d", m.Format, FormatVersion)) {
		t.Error(err)
	}
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("no bundle ", 200)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(text); err == nil || !strings.Contains(err.Error(), "is no bundle") {
		t.Error(err)
	}
}

// rewrite is b with another manifest.
func rewrite(t *testing.T, b *Bundle, m Manifest) string {
	t.Helper()
	blobs := blobSet{}
	for d := range b.index {
		blobs[d] = b.source(d)
	}
	path := filepath.Join(t.TempDir(), "rewritten")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writeArchive(f, m, blobs), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}
