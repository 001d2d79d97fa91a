package bundle

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/event"
)

func newDebian(t *testing.T, list string) debian {
	t.Helper()
	d := debian{lists: t.TempDir(), cache: t.TempDir(), arch: runtime.GOARCH}
	if err := os.WriteFile(filepath.Join(d.lists, "list.txt"), []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPackageListsAreRead(t *testing.T) {
	got, err := newDebian(t, "# tools\nnftables\n\nlibc6 kmod # both\n").read("list")
	if err != nil || !cmp.Equal(got, []string{"nftables", "libc6", "kmod"}) {
		t.Errorf("%v, %v", got, err)
	}
	for list, want := range map[string]string{"kmod\n--hook=x\n": `list.txt:2: "--hook=x"`, "# none\n": "lists no package"} {
		if _, err := newDebian(t, list).read("list"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func TestWithoutMmdebstrapTheErrorNamesTheRemedy(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := newDebian(t, "netbase\n").unpack(t.Context(), "list", event.Discard)
	if err == nil || !strings.Contains(err.Error(), "apt-get install mmdebstrap") {
		t.Error(err)
	}
}

// needMmdebstrap skips on machines that cannot unpack packages; the project's own checks run on one
// that can.
func needMmdebstrap(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("mmdebstrap"); err != nil || testing.Short() {
		t.Skip("needs mmdebstrap and Debian's archive")
	}
}

func TestPackagesAreUnpackedOnceAndAlike(t *testing.T) {
	needMmdebstrap(t)
	var layers []string
	for range 2 { // each with a cache of its own
		d := newDebian(t, "netbase\n")
		root, err := d.unpack(t.Context(), "list", event.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if root.Cached || root.Versions["netbase"] == "" {
			t.Errorf("%+v", root)
		}
		f, err := os.Open(root.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files, err := layer{debian: "list"}.tree(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := files["etc/protocols"]; !ok {
			t.Error("no etc/protocols in the tree")
		}
		var out strings.Builder
		if err := files.writeTo(&out); err != nil {
			t.Fatal(err)
		}
		layers = append(layers, out.String())

		again, err := d.unpack(t.Context(), "list", event.Discard)
		if err != nil || !again.Cached || again.Path != root.Path {
			t.Errorf("again: %+v, %v", again, err)
		}
		testFallback(t, d, root)
	}
	if layers[0] != layers[1] {
		t.Error("the same packages gave different layers")
	}
}

// testFallback unpacks once more where Debian cannot be asked.
func testFallback(t *testing.T, d debian, want rootfs) {
	t.Helper()
	path := os.Getenv("PATH")
	if err := os.Setenv("PATH", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer os.Setenv("PATH", path)
	var warned string
	got, err := d.unpack(t.Context(), "list", event.SinkFunc(func(e event.Event) {
		if e.Kind == event.Warning {
			warned = e.Message
		}
	}))
	if err != nil || got.Path != want.Path || !cmp.Equal(got.Versions, want.Versions) || !strings.Contains(warned, "earlier build") {
		t.Errorf("%+v, %v, warned %q", got, err, warned)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.unpack(ctx, "list", event.Discard); err == nil {
		t.Error("a cancelled build fell back on an earlier one")
	}
}
