//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// mac is a stable hardware address for an address of a lab: a power cycle changes no cable.
func mac(a netip.Addr) net.HardwareAddr {
	b := a.As4()
	return net.HardwareAddr{0x02, 0x1a, b[0], b[1], b[2], b[3]}
}

// cidrs are the interface addresses that go with an address of the lab: itself, and its IPv6
// counterpart where the host has IPv6.
func (l *Lab) cidrs(a netip.Addr) []*netlink.Addr {
	all := []*netlink.Addr{{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(l.state.Subnet.Bits(), 32)}}}
	if len(families()) > 1 {
		all = append(all, &netlink.Addr{
			IPNet: &net.IPNet{IP: l.Address6(a).AsSlice(), Mask: net.CIDRMask(64, 128)},
			Flags: unix.IFA_F_NODAD, // usable at once: no one else can have it
		})
	}
	return all
}

// Address6 is the IPv6 address that goes with an IPv4 address of the lab. Machines have both, on
// hosts that have IPv6; each lab has a /64 of its own.
func (l *Lab) Address6(a netip.Addr) netip.Addr {
	subnet, host := l.state.Subnet.Addr().As4(), a.As4()
	b := [16]byte{0: 0xfd}
	copy(b[2:], subnet[:])
	copy(b[12:], host[:])
	return netip.AddrFrom16(b)
}

// families are the folders below /proc/sys/net of what the host speaks.
func families() []string {
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		return []string{"ipv4"}
	}
	return []string{"ipv4", "ipv6"}
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
	for _, addr := range l.cidrs(l.Gateway()) {
		if err := netlink.AddrReplace(link, addr); err != nil {
			return fmt.Errorf("address %s of bridge %s: %w", addr, name, err)
		}
	}
	// Also on a host that forwards for others, the lab's traffic stays in the lab.
	for _, family := range families() {
		if err := os.WriteFile(filepath.Join("/proc/sys/net", family, "conf", name, "forwarding"), []byte("0"), 0o644); err != nil {
			return err
		}
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
