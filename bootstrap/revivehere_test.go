package bootstrap

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/spec"
)

// TestGuardHere: on a machine of a cluster that is made by hand each of the others has to be said to be dead, and must not look alive.
func TestGuardHere(t *testing.T) {
	r := threePlanes(t)
	p := &Recovery{Survivor: "cp-1"}
	if err := r.guardHere(t.Context(), p, nil); err != nil {
		t.Errorf("with a file: %v", err)
	}
	if err := r.guardHere(t.Context(), p, []string{"cp-2"}); err == nil || !strings.Contains(err.Error(), "made by hand") {
		t.Errorf("--gone with a file: %v", err)
	}
	r.Here, r.machines = "cp-1", r.machines[:1]
	for name, address := range map[string]string{"cp-2": "127.0.0.92", "cp-3": "127.0.0.93"} {
		r.membership.gone = append(r.membership.gone, &machine{node: spec.Node{Name: name, Role: spec.ControlPlane, Address: netip.MustParseAddr(address)}})
	}
	for gone, want := range map[string]string{
		"":               "cannot be told from here",
		"cp-2":           "whether cp-3 are dead",
		"cp-2 cp-3":      "",
		"cp-2 cp-3 cp-9": "names cp-9, which is no other member",
	} {
		err := r.guardHere(t.Context(), p, strings.Fields(gone))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("--gone %q: %v", gone, err)
		}
	}
	alive, err := net.Listen("tcp", "127.0.0.93:2380")
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if err := r.guardHere(t.Context(), p, []string{"cp-2", "cp-3"}); err == nil || !strings.Contains(err.Error(), "cp-3 takes connections at 127.0.0.93, port 2380") {
		t.Errorf("one that lives: %v", err)
	}
}
