package bundle

import (
	"archive/tar"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestLayersHoldWhatIsNeededAndNothingOfTheMachine(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	images := b.Manifest().Images
	if images[0].Blobs[1] != images[1].Blobs[1] {
		t.Error("the images do not share their first layer")
	}
	golden(t, "layer-hello.txt", list(t, b, images[0].Blobs[1].Digest))
	golden(t, "layer-tools.txt", list(t, b, images[1].Blobs[2].Digest))
	if images[1].Ref != "slipway.local/tools:v1-2.0-deb12u1" {
		t.Errorf("ref %s", images[1].Ref)
	}
}

// list prints a layer's entries, with the contents of all but executables.
func list(t *testing.T, b *Bundle, digest string) string {
	t.Helper()
	blob, err := b.Blob(digest)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := zstd.NewReader(blob)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var out strings.Builder
	for tr := tar.NewReader(raw); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%c %04o %d:%d %d %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.ModTime.Unix(), h.Name)
		if h.Linkname != "" {
			fmt.Fprintf(&out, " -> %s", h.Linkname)
		}
		out.WriteString("\n")
		if h.Typeflag != tar.TypeReg || h.Name == "usr/local/bin/hello" {
			continue
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
			fmt.Fprintf(&out, "    %s\n", line)
		}
	}
}

func TestSlim(t *testing.T) {
	for name, dropped := range map[string]bool{
		"usr/sbin/nft": false,
		"usr/lib/x86_64-linux-gnu/libnftables.so.1":         false,
		"usr/lib/x86_64-linux-gnu/xtables/libxt_comment.so": false,
		"usr/lib/x86_64-linux-gnu/perl-base/strict.pm":      true,
		"usr/bin/perl5.36.0":                                true,
		"etc/protocols":                                     false,
		"etc/haproxy/errors/400.http":                       false,
		"etc/cron.daily/dpkg":                               true,
		"usr/share/doc/haproxy/copyright":                   false,
		"usr/share/doc/haproxy/changelog.gz":                true,
		"usr/share/man/man8/nft.8.gz":                       true,
		"var/lib/haproxy":                                   false,
		"var/lib/dpkg/status":                               true,
		"var/log":                                           true,
		"devices":                                           false,
	} {
		if slim(name) != dropped {
			t.Errorf("%s: dropped %v", name, !dropped)
		}
	}
}

// golden compares got with a file of testdata; -update rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(contentOf(t, path)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
