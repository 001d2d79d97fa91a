package statedir

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway/slipway/internal/spec"
)

func TestJSON(t *testing.T) {
	d := open(t, private(t))
	nodes := []spec.Node{{
		Name: "cp-1", Role: spec.ControlPlane, Address: netip.MustParseAddr("10.0.0.11"), SSHAddress: "bastion",
		SSH: spec.SSH{User: "debian", Port: 22, PrivateKey: "/k", Bastions: []spec.Bastion{{Address: "b", Port: 2222}}, Timeout: time.Second},
	}}
	if got, err := d.Nodes(); got != nil || err != nil {
		t.Errorf("before any: %v, %v", got, err)
	}
	left := []Left{{spec.Node{Name: "w-1", Role: spec.Worker, Address: netip.MustParseAddr("10.0.0.21")}, "0123"}}
	if err := d.PutNodes(nodes, left...); err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	if got, err := d.Nodes(); err != nil || !cmp.Equal(nodes, got, same) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := d.Left(); err != nil || !cmp.Equal(left, got, same) {
		t.Errorf("%+v, %v", got, err)
	}
	timings := []Timing{{Stage: "payload", Started: time.Unix(1700000000, 0).UTC(), Took: 3 * time.Second}}
	if err := d.PutTimings(timings); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Timings(); err != nil || !cmp.Equal(timings, got) {
		t.Errorf("timings %v, %v", got, err)
	}
	var v string
	if found, err := d.Get("absent", &v); found || err != nil {
		t.Errorf("absent: %v, %v", found, err)
	}
	for _, name := range []string{"", "../x", "cluster", "A", "a/b"} {
		if err := d.Put(name, 1); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
	if err := os.WriteFile(d.at("torn.json"), []byte(`{"a`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := d.Get("torn", &v)
	wantError(t, err, "torn.json is not what Slipway wrote")
}
