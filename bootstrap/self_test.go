package bootstrap

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/slipway/slipway/internal/spec"
)

// TestAddressBeside: of the network that the endpoint is in, the machine's address is taken, and never the endpoint's own.
// Loopback is the one network that every machine has.
func TestAddressBeside(t *testing.T) {
	loopback := netip.MustParseAddr("127.0.0.1")
	if got, ok := addressBeside(netip.MustParseAddr("127.0.0.77")); !ok || got != loopback {
		t.Errorf("beside 127.0.0.77: %v, %t, want 127.0.0.1", got, ok)
	}
	if got, ok := addressBeside(loopback); ok {
		t.Errorf("beside the machine's own address: %v, want none", got)
	}
	for _, a := range OtherAddresses(netip.Addr{}) {
		got, err := suggested(spec.Node{Name: "n"}, a.Next().String()+":6443")
		if err != nil || got.Address != a {
			t.Errorf("beside %s: %v, %v, want %s", a.Next(), got.Address, err, a)
		}
	}
}

func TestSuggested(t *testing.T) {
	loopback := netip.MustParseAddr("127.0.0.1")
	got, err := suggested(spec.Node{Name: "n"}, "localhost:6443") // a name is looked up
	if err != nil || got.Address != loopback {
		t.Errorf("towards localhost: %v, %v, want 127.0.0.1", got.Address, err)
	}
	given := netip.MustParseAddr("10.0.0.11")
	if got, err = suggested(spec.Node{Address: given}, "192.0.2.1:6443"); err != nil || got.Address != given || got.Name == "" {
		t.Errorf("given: %+v, %v", got, err)
	}
}

// TestOtherAddresses: neither the taken one nor loopback is told.
func TestOtherAddresses(t *testing.T) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	all := OtherAddresses(netip.Addr{})
	for _, a := range all {
		if a.IsLoopback() {
			t.Errorf("%s is loopback", a)
		}
		if !slices.ContainsFunc(addresses, func(i net.Addr) bool { return netip.MustParsePrefix(i.String()).Addr() == a }) {
			t.Errorf("%s is not this machine's", a)
		}
		if slices.Contains(OtherAddresses(a), a) {
			t.Errorf("%s is taken and told all the same", a)
		}
	}
}
