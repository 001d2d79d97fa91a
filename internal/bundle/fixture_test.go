package bundle

import (
	"archive/tar"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway/slipway/internal/event"
)

// tiny is a small distribution that is truly compiled: one program, one root filesystem, two images
// that share their first layer.
type tiny struct {
	t      *testing.T
	distro string
}

func newTiny(t *testing.T) tiny {
	t.Helper()
	d := tiny{t, t.TempDir()}
	d.write("hello/go.mod", "module example.org/hello\n\ngo 1.26.0\n")
	d.write("hello/other.mod", "module example.org/hello\n\ngo 1.26.0\n")
	d.write("hello/main.go", "package main\n\nvar word = \"hello\"\n\nfunc main() { print(word) }\n")
	return d
}

func (d tiny) write(name, content string) {
	d.t.Helper()
	path := filepath.Join(d.distro, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d tiny) recipe() recipe {
	hello := layer{parts: []string{"hello"}}
	tools := layer{debian: "tools", links: map[string]string{"usr/sbin/alias": "tool"}, users: []string{"tool:99"}}
	return recipe{
		parts: []Part{{Name: "hello", Version: "1.2.3", Dir: "hello", Package: ".", Output: "hello",
			Links: []string{"bonjour"}, LDFlags: []string{"-X main.word=moin"}}},
		binaries: []binaryRecipe{
			{"hello", "hello", []string{controlPlane, worker}, ""},
			{"bonjour", "hello", []string{controlPlane}, "tools"},
		},
		images: []imageRecipe{
			{"hello", "hello", []string{controlPlane}, []layer{hello}, []string{"/usr/local/bin/hello"}},
			{"tools", "tool", []string{controlPlane, worker}, []layer{hello, tools}, nil},
		},
		packages: []string{"tool"},
	}
}

// unpack makes what mmdebstrap would, and with what differs from one machine and moment to another.
func (d tiny) unpack(_ context.Context, list string, _ event.Sink) (rootfs, error) {
	path := filepath.Join(d.t.TempDir(), list+".tar")
	f, err := os.Create(path)
	if err != nil {
		return rootfs{}, err
	}
	w := tar.NewWriter(f)
	now := time.Now()
	for _, e := range []struct {
		header  tar.Header
		content string
	}{
		{tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, ""},
		{tar.Header{Name: "./usr/sbin/tool", Typeflag: tar.TypeReg, Mode: 0o4755, Uid: 7, ModTime: now}, "the tool"},
		{tar.Header{Name: "./usr/sbin/again", Typeflag: tar.TypeLink, Linkname: "./usr/sbin/tool"}, ""},
		{tar.Header{Name: "./usr/sbin/soft", Typeflag: tar.TypeSymlink, Linkname: "tool"}, ""},
		{tar.Header{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 3}, ""},
		{tar.Header{Name: "./etc/hostname", Typeflag: tar.TypeReg, Mode: 0o644}, now.String()},
		{tar.Header{Name: "./etc/passwd", Typeflag: tar.TypeReg, Mode: 0o644}, "root:x:0:0:root:/root:/bin/bash\n"},
		{tar.Header{Name: "./var/log/apt.log", Typeflag: tar.TypeReg, Mode: 0o644}, now.String()},
	} {
		e.header.Size = int64(len(e.content))
		if err := w.WriteHeader(&e.header); err != nil {
			return rootfs{}, err
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			return rootfs{}, err
		}
	}
	if err := w.Close(); err != nil {
		return rootfs{}, err
	}
	return rootfs{Path: path, Versions: map[string]string{"tool": "1:2.0+deb12u1"}}, f.Close()
}

// build builds the tiny bundle with a cache and returns its path and report.
func (d tiny) build(cache string) (string, Report) {
	d.t.Helper()
	out := filepath.Join(d.t.TempDir(), "out", "tiny.bundle")
	report, err := build(d.t.Context(), Options{Kubernetes: "1.2.3", Distro: d.distro, Cache: cache, Output: out},
		d.recipe(), d.unpack, event.Discard)
	if err != nil {
		d.t.Fatal(err)
	}
	return out, report
}

func open(t *testing.T, path string) *Bundle {
	t.Helper()
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
