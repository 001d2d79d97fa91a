//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// mac is a stable hardware address for an address of a lab: a power cycle changes no cable.
func mac(a netip.Addr) net.HardwareAddr {
	b := a.As4()
	return net.HardwareAddr{0x02, 0x1a, b[0], b[1], b[2], b[3]}
}

func (l *Lab) cidr(a netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(l.state.Subnet.Bits(), 32)}}
}

// ensureBridge makes the lab's bridge; idempotent. A bridge of that name that belongs to a lab in
// another folder is refused: its alias says whose it is.
func (l *Lab) ensureBridge() error {
	name := l.bridge()
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		if err := l.refuseForeignRange(); err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr = name, mac(l.Gateway())
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
			return fmt.Errorf("make bridge %s: %w", name, err)
		}
		if link, err = netlink.LinkByName(name); err == nil {
			err = netlink.LinkSetAlias(link, l.dir)
		}
	} else if err == nil && link.Attrs().Alias != "" && link.Attrs().Alias != l.dir {
		return fmt.Errorf("bridge %s belongs to the lab in %s: take that one down, or give this one another --name", name, link.Attrs().Alias)
	}
	if err != nil {
		return fmt.Errorf("bridge %s: %w", name, err)
	}
	if err := netlink.AddrReplace(link, l.cidr(l.Gateway())); err != nil {
		return fmt.Errorf("address of bridge %s: %w", name, err)
	}
	// Also on a host that forwards for others, the lab's traffic stays in the lab.
	if err := os.WriteFile(filepath.Join("/proc/sys/net/ipv4/conf", name, "forwarding"), []byte("0"), 0o644); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// refuseForeignRange keeps the lab off ranges that the host already reaches by another way.
func (l *Lab) refuseForeignRange() error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		addr, ok := netip.AddrFromSlice(r.Dst.IP)
		ones, _ := r.Dst.Mask.Size()
		if ok && ones > 0 && l.state.Subnet.Overlaps(netip.PrefixFrom(addr.Unmap(), ones)) {
			return fmt.Errorf("subnet %s overlaps the host's route to %s: choose another --subnet", l.state.Subnet, r.Dst)
		}
	}
	return nil
}

// plugIn gives the machine a new network namespace, and in it eth0 with its address, cabled to the
// bridge. What a former life of the machine left in the old namespace is gone, as after a power cycle.
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
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex, attrs.Flags = m.veth(), bridge.Attrs().Index, net.FlagUp
	cable := &netlink.Veth{
		LinkAttrs: attrs, PeerName: "eth0",
		PeerHardwareAddr: mac(m.Address), PeerNamespace: netlink.NsFd(ns),
	}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("make cable %s: %w", m.veth(), err)
	}
	inside, err := netlink.NewHandleAt(ns)
	if err != nil {
		return err
	}
	defer inside.Close()
	eth0, err := inside.LinkByName("eth0")
	if err != nil {
		return err
	}
	lo, err := inside.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := errors.Join(inside.LinkSetUp(lo), inside.AddrReplace(eth0, m.lab.cidr(m.Address)), inside.LinkSetUp(eth0)); err != nil {
		return fmt.Errorf("set up eth0 of %s: %w", m.Name, err)
	}
	if err := inside.RouteReplace(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: m.lab.Gateway().AsSlice()}); err != nil {
		return fmt.Errorf("default route of %s: %w", m.Name, err)
	}
	return nil
}

// unplug removes the machine's cable and forgets its network namespace; idempotent. Removing the
// bridge's end takes the other end along at once, so that the name is free again.
func (m instance) unplug() error {
	link, err := netlink.LinkByName(m.veth())
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil && !errors.As(err, &netlink.LinkNotFoundError{}) && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove cable %s: %w", m.veth(), err)
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

// removeBridge removes the lab's bridge; idempotent.
func (l *Lab) removeBridge() error {
	link, err := netlink.LinkByName(l.bridge())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil && link.Attrs().Alias != "" && link.Attrs().Alias != l.dir {
		return nil // another folder's lab: Up refused to join it
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("remove bridge %s: %w", l.bridge(), err)
	}
	return nil
}
