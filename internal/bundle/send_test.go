package bundle

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/blob"
)

func TestSelectGivesEachRoleItsOwn(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	for role, want := range map[string]string{
		controlPlane: "hello bonjour; hello tools", worker: "hello; tools", loadBalancer: "; ",
	} {
		binaries, images := b.Select(role)
		var names, refs []string
		for _, x := range binaries {
			names = append(names, x.Name)
		}
		for _, x := range images {
			refs = append(refs, x.Name)
		}
		if got := strings.Join(names, " ") + "; " + strings.Join(refs, " "); got != want {
			t.Errorf("%s: %s", role, got)
		}
	}
}

func TestWhatIsSentIsReceived(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	b := open(t, path)
	var digests []string
	var size int64
	for d, s := range b.index {
		digests = append(digests, d)
		size += s.size
	}
	store := blob.Store{Dir: t.TempDir()}
	var sent bytes.Buffer
	var progress int64
	if err := b.WriteTar(&sent, digests, func(n int64) { progress += n }); err != nil {
		t.Fatal(err)
	}
	if progress != size {
		t.Errorf("progress told of %d bytes, there are %d", progress, size)
	}
	if err := store.Receive(&sent); err != nil {
		t.Fatal(err)
	}
	for _, d := range digests {
		section, err := b.Blob(d)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(section)
		if err != nil {
			t.Fatal(err)
		}
		r, err := store.Open(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d, %v", d, len(got), len(want), err)
		}
	}
}

func TestSendingAnUnknownBlobIsAnError(t *testing.T) {
	path, _ := newTiny(t).build(t.TempDir())
	unknown := "sha256:" + strings.Repeat("0", 64)
	if err := open(t, path).WriteTar(io.Discard, []string{unknown}, nil); err == nil || !strings.Contains(err.Error(), unknown) {
		t.Error(err)
	}
}
