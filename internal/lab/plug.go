//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The address that every machine of a lab with NAT has on its first interface, as VirtualBox's and
// Vagrant's machines do, and the router that they believe in.
var (
	natAddress = netip.MustParsePrefix("10.0.2.15/24")
	natRouter  = netip.MustParseAddr("10.0.2.2")
)

// plugIn gives the machine a new network namespace with its interfaces. What a former life of the
// machine left in the old namespace is gone, as after a power cycle.
func (m instance) plugIn() error {
	if err := m.unplug(); err != nil {
		return err
	}
	ns, err := newNamespace(m.netns())
	if err != nil {
		return fmt.Errorf("make network namespace %s: %w", m.netns(), err)
	}
	defer ns.Close()
	bridge, err := netlink.LinkByName(m.lab.bridge())
	if err != nil {
		return fmt.Errorf("bridge %s: %w", m.lab.bridge(), err)
	}
	inside, err := netlink.NewHandleAt(ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	lo, err := inside.LinkByName("lo")
	if err == nil {
		err = inside.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("loopback of %s: %w", m.Name, err)
	}
	cable := cable{outside: m.veth(), bridge: bridge.Attrs().Index, inside: "eth0", mac: mac(m.Address), addrs: m.lab.cidrs(m.Address), router: m.lab.Gateway()}
	if m.lab.state.NAT {
		cable.inside, cable.router = "eth1", netip.Addr{}
		nat := &net.IPNet{IP: natAddress.Addr().AsSlice(), Mask: net.CIDRMask(natAddress.Bits(), 32)}
		hw := mac(m.Address)
		hw[1]++
		err = plug(ns, inside, cableToNowhere(m.natVeth(), hw, nat))
	}
	if err == nil {
		err = plug(ns, inside, cable)
	}
	if err != nil {
		return fmt.Errorf("network of %s: %w", m.Name, err)
	}
	return nil
}

// cable is a veth pair and what is set on the machine's end of it.
type cable struct {
	outside, inside string
	bridge          int // index of the outside's bridge; 0 for none
	mac             net.HardwareAddr
	addrs           []*netlink.Addr
	router          netip.Addr // of the default route; zero for none
}

// cableToNowhere looks like the way out of a machine behind NAT; no one is at its other end.
func cableToNowhere(outside string, mac net.HardwareAddr, addr *net.IPNet) cable {
	return cable{outside: outside, inside: "eth0", mac: mac, addrs: []*netlink.Addr{{IPNet: addr}}, router: natRouter}
}

func plug(ns netns.NsHandle, inside *netlink.Handle, c cable) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex, attrs.Flags = c.outside, c.bridge, net.FlagUp
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: c.inside, PeerHardwareAddr: c.mac, PeerNamespace: netlink.NsFd(ns)}
	if err := netlink.LinkAdd(pair); err != nil {
		return fmt.Errorf("make cable %s: %w", c.outside, err)
	}
	end, err := inside.LinkByName(c.inside)
	if err != nil {
		return err
	}
	for _, addr := range c.addrs {
		if err := inside.AddrReplace(end, addr); err != nil {
			return fmt.Errorf("address %s of %s: %w", addr, c.inside, err)
		}
	}
	if err := inside.LinkSetUp(end); err != nil || !c.router.IsValid() {
		return err
	}
	if err := inside.RouteReplace(&netlink.Route{LinkIndex: end.Attrs().Index, Gw: c.router.AsSlice()}); err != nil {
		return fmt.Errorf("default route: %w", err)
	}
	return nil
}

// unplug removes the machine's cables and its network namespace; idempotent. Removing the host's end
// of a cable takes the other end along at once, so that the name is free again.
func (m instance) unplug() error {
	for _, name := range []string{m.veth(), m.natVeth()} {
		link, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkDel(link)
		}
		if err != nil && !errors.As(err, &netlink.LinkNotFoundError{}) && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("remove cable %s: %w", name, err)
		}
	}
	if err := removeTree(m.netns()); err != nil {
		return fmt.Errorf("remove network namespace of %s: %w", m.Name, err)
	}
	return nil
}

// newNamespace makes a network namespace, mounted at path, without leaving this one.
func newNamespace(path string) (ns netns.NsHandle, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return netns.None(), err
	}
	file.Close()
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return netns.None(), err
	}
	defer home.Close()
	if ns, err = netns.New(); err == nil {
		err = unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}
	if stray := netns.Set(home); stray != nil {
		return ns, errors.Join(err, stray) // the thread stays locked, lest another goroutine run in a wrong namespace
	}
	runtime.UnlockOSThread()
	return ns, err
}
