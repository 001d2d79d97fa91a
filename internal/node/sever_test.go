//go:build linux

package node

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// beyond is another machine, at the other end of a cable: a thread in a network namespace of its own.
type beyond struct{ do chan func() }

// cabled connects this thread's network, in which the test is apart, with another. Addresses are 10.9.0.2 and, shared, 10.9.0.100 here, and
// 10.9.0.1 there.
func cabled(t *testing.T) beyond {
	t.Helper()
	b, ready := beyond{make(chan func())}, make(chan error)
	var place *os.File
	go func() {
		runtime.LockOSThread() // never unlocked: the namespace ends with the thread
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			place, err = os.Open("/proc/thread-self/ns/net")
		}
		ready <- err
		for do := range b.do {
			do()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(b.do); _ = place.Close() })
	if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "cable0"}, PeerName: "cable1"}); err != nil {
		t.Skipf("no cable can be laid here: %v", err)
	}
	far, err := netlink.LinkByName("cable1")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetNsFd(far, int(place.Fd())); err != nil {
		t.Fatal(err)
	}
	plug := func(name string, addresses ...string) error {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			parsed, err := netlink.ParseAddr(a)
			if err != nil {
				return err
			}
			if err := netlink.AddrAdd(link, parsed); err != nil {
				return err
			}
		}
		return netlink.LinkSetUp(link)
	}
	if err := errors.Join(plug("cable0", "10.9.0.2/24", "10.9.0.100/32"), b.run(func() error { return plug("cable1", "10.9.0.1/24") })); err != nil {
		t.Fatal(err)
	}
	return b
}

// run runs do over there.
func (b beyond) run(do func() error) error {
	done := make(chan error)
	b.do <- func() { done <- do() }
	return <-done
}

// reaches reports whether a connection from there comes about, as by somebody who does not know yet which card has the address.
func (b beyond) reaches(t *testing.T, address string, port int) bool {
	t.Helper()
	return b.run(func() error {
		known, err := netlink.NeighList(0, netlink.FAMILY_V4)
		if err != nil {
			t.Error(err)
		}
		for _, n := range known {
			_ = netlink.NeighDel(&n) // the kernel may have forgotten it by itself
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(port)), 400*time.Millisecond)
		if err != nil {
			return err
		}
		return conn.Close()
	}) == nil
}

// TestSeverOnTheWire: of a machine that is cut off only SSH from where it was done is left, nobody there answers for the shared address,
// and when its time is up all is as before.
func TestSeverOnTheWire(t *testing.T) {
	apart(t)
	there := cabled(t)
	for _, port := range []string{"22", "2379"} {
		l, err := net.Listen("tcp", "0.0.0.0:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
	}
	all := func() (seen [4]bool) {
		for i, to := range []struct {
			address string
			port    int
		}{{"10.9.0.2", 22}, {"10.9.0.2", 2379}, {"10.9.0.100", 22}, {"10.9.0.100", 2379}} {
			seen[i] = there.reaches(t, to.address, to.port)
		}
		return seen
	}
	for deadline := time.Now().Add(20 * time.Second); all() != [4]bool{true, true, true, true}; { // a cable that was just plugged in takes a moment
		if time.Now().After(deadline) {
			t.Fatalf("before, %v were reached", all())
		}
	}
	m := newMachine(t)
	s := Sever{Peer: netip.MustParseAddr("10.9.0.1"), Port: 22, Address: netip.MustParseAddr("10.9.0.100"), For: time.Minute}
	if err := m.Sever(s); err != nil {
		t.Fatal(err)
	}
	if seen := all(); seen != [4]bool{true, false, false, false} {
		t.Errorf("cut off, %v were reached", seen)
	}
	if err := m.Join(); err != nil {
		t.Fatal(err)
	}
	if seen := all(); seen != [4]bool{true, true, true, true} {
		t.Errorf("plugged in again, %v were reached", seen)
	}
	s.Peer, s.For = netip.MustParseAddr("10.9.0.7"), 2*time.Second
	if err := m.Sever(s); err != nil {
		t.Fatal(err)
	}
	if there.reaches(t, "10.9.0.2", 22) {
		t.Error("a stranger was let in")
	}
	for deadline := time.Now().Add(30 * time.Second); all() != [4]bool{true, true, true, true}; {
		if time.Now().After(deadline) {
			t.Fatal("nobody came back to end it, and it did not end")
		}
	}
}
