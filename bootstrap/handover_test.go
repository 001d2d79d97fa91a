package bootstrap

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/pki"
)

// TestHandover: what one control plane seals is all that another needs, and nothing without the key.
func TestHandover(t *testing.T) {
	r := newRun(t)
	in := components.Input{Cluster: r.Cluster, Certs: r.certs}
	files, err := in.Handover()
	if err != nil {
		t.Fatal(err)
	}
	key, other := bytes.Repeat([]byte{7}, certificateKeySize), bytes.Repeat([]byte{8}, certificateKeySize)
	sealed, err := seal(files, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range sealed {
		if bytes.Contains(text, []byte("PRIVATE KEY")) {
			t.Errorf("%s is not sealed", name)
		}
	}
	opened, err := unseal(sealed, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(opened)), slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	certs, err := pki.Rebuild(map[string]map[string][]byte{"other": opened})
	if err != nil {
		t.Fatal(err)
	}
	if certs.ClusterID() != r.certs.ClusterID() || !bytes.Equal(certs.EncryptionKey, r.certs.EncryptionKey) {
		t.Error("what was handed over is another cluster's")
	}
	if _, err := unseal(sealed, other); err == nil {
		t.Error("another key opens it, too")
	}
	sealed["sa.key"], sealed["ca.key"] = sealed["ca.key"], sealed["sa.key"]
	if _, err := unseal(sealed, key); err == nil {
		t.Error("one file passes for another")
	}
}
