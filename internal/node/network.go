//go:build linux

package node

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// gatherNetwork fills in addresses, MTUs, and which of the routes there is no way to.
func gatherNetwork(f *Facts, routes []string) error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list network interfaces: %w", err)
	}
	f.Addresses, f.MTU, f.Unreachable = map[string]string{}, map[string]int{}, map[string]string{}
	names := map[int]string{}
	for _, l := range links {
		f.MTU[l.Attrs().Name] = l.Attrs().MTU
		names[l.Attrs().Index] = l.Attrs().Name
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		f.Addresses[a.IP.String()] = names[a.LinkIndex]
	}
	for _, to := range routes {
		ip := net.ParseIP(to)
		if ip == nil {
			f.Unreachable[to] = "not an address"
			continue
		}
		if err := routeTo(ip); err != nil {
			f.Unreachable[to] = err.Error()
		}
	}
	return nil
}

// routeTo asks the kernel, sending nothing.
func routeTo(ip net.IP) error {
	found, err := netlink.RouteGet(ip)
	if err != nil {
		return err
	}
	for _, r := range found {
		switch r.Type {
		case unix.RTN_UNREACHABLE, unix.RTN_BLACKHOLE, unix.RTN_PROHIBIT:
			return fmt.Errorf("the route to it is of type %d, which drops packets", r.Type)
		}
	}
	return nil
}

// systemdResolvConf lists the real nameservers behind systemd-resolved's stub.
const systemdResolvConf = "/run/systemd/resolve/resolv.conf"

// resolver finds the file that pods are to resolve by: not one that names a nameserver on loopback,
// which in a pod is the pod itself.
func (m Machine) resolver(f *Facts) {
	for _, path := range []string{"/etc/resolv.conf", systemdResolvConf} {
		servers, ok := m.nameservers(path)
		if !ok {
			continue
		}
		f.ResolvConf, f.Resolvers = path, nil
		for _, s := range servers {
			if a, err := netip.ParseAddr(s); err == nil && !a.IsLoopback() {
				f.Resolvers = append(f.Resolvers, s)
			}
		}
		if len(f.Resolvers) > 0 || len(servers) == 0 {
			return
		}
	}
}

func (m Machine) nameservers(path string) (servers []string, ok bool) {
	r, err := os.Open(m.path(path))
	if err != nil {
		return nil, false
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "nameserver" {
			servers = append(servers, fields[1])
		}
	}
	return servers, true
}
