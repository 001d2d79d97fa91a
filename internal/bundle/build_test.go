package bundle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/slipway/slipway/internal/event"
)

func TestTheSameInputsGiveTheSameBytes(t *testing.T) {
	d := newTiny(t)
	first, _ := d.build(t.TempDir())
	second, report := d.build(t.TempDir())
	if !bytes.Equal(contentOf(t, first), contentOf(t, second)) {
		t.Error("two builds with caches of their own differ")
	}
	info, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	if report.Size != info.Size() || report.Digest != open(t, second).Manifest().Digest || len(report.Parts) != 1 {
		t.Errorf("report %+v", report)
	}
}

func TestUnchangedPartsAreNotCompiledAgain(t *testing.T) {
	d, cache := newTiny(t), t.TempDir()
	first, report := d.build(cache)
	if report.Parts[0].Cached {
		t.Error("the first build found its part in an empty cache")
	}
	d.write("hello/other.mod", "module example.org/other\n") // of another version
	d.write("hello/main_test.go", "package main\n")
	second, report := d.build(cache)
	if !report.Parts[0].Cached || !bytes.Equal(contentOf(t, first), contentOf(t, second)) {
		t.Errorf("unchanged, yet %+v", report.Parts)
	}
	d.write("hello/main.go", "package main\n\nvar word = \"x\"\n\nfunc main() { print(word, 2) }\n")
	third, report := d.build(cache)
	if report.Parts[0].Cached || bytes.Equal(contentOf(t, first), contentOf(t, third)) {
		t.Errorf("changed, yet %+v", report.Parts)
	}
}

func TestBinariesRunAsTheyWereCompiled(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	blob, err := b.Blob(b.Manifest().Binaries[0].Blob.Digest)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := zstd.NewReader(blob)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	content, err := io.ReadAll(raw)
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(exe, content, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(exe).CombinedOutput()
	if err != nil || string(out) != "moin" {
		t.Errorf("printed %q, %v", out, err)
	}
}

func TestACompileErrorIsShownWithItsCommand(t *testing.T) {
	d := newTiny(t)
	d.write("hello/main.go", "package main\n\nfunc main() { undefined() }\n")
	out := filepath.Join(t.TempDir(), "tiny.bundle")
	_, err := build(t.Context(), Options{Distro: d.distro, Cache: t.TempDir(), Output: out}, d.recipe(), d.unpack, event.Discard)
	if err == nil {
		t.Fatal("built")
	}
	for _, want := range []string{"compile hello 1.2.3", "go build", "main.go:3:15: undefined: undefined"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("left %s: %v", out, err)
	}
}

func TestADamagedCacheIsNamed(t *testing.T) {
	d, cache := newTiny(t), t.TempDir()
	d.build(cache)
	blobs, err := filepath.Glob(filepath.Join(cache, "packed", "*.zst"))
	if err != nil || len(blobs) == 0 {
		t.Fatal(blobs, err)
	}
	for _, path := range blobs {
		flip(t, path, 100)
	}
	_, err = build(t.Context(), Options{Distro: d.distro, Cache: cache, Output: filepath.Join(t.TempDir(), "b")},
		d.recipe(), d.unpack, event.Discard)
	if err == nil || !strings.Contains(err.Error(), "remove "+filepath.Join(cache, "packed")) {
		t.Error(err)
	}
}

func TestAFailedWriteKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := writeFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, full)
	})
	if !errors.Is(err, full) || string(contentOf(t, path)) != "old" {
		t.Errorf("%v, %q", err, contentOf(t, path))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left %v, %v", left, err)
	}
}

// flip changes one bit of the file at offset.
func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}
