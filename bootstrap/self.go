package bootstrap

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/spec"
)

// controlPlaneTaint keeps workloads off, as kubeadm does.
var controlPlaneTaint = spec.Taint{Key: "node-role.kubernetes.io/control-plane", Effect: "NoSchedule"}

// suggested is n with what was not said of it, name or address, as this machine suggests: first as it is in its cluster
// already, then the host's name, and the address that leads to the endpoint. Without an endpoint the default route's
// has to do, which is wrong where that leads elsewhere than to the other nodes, such as to a virtual machine's NAT.
func suggested(n spec.Node, endpoint string) (_ spec.Node, err error) {
	if n.Name != "" && n.Address.IsValid() {
		return n, nil
	}
	if c, here, err := Own(); err == nil && (n.Name == "" || n.Name == here) {
		for _, own := range c.Nodes {
			if own.Name == here && !n.Address.IsValid() {
				n.Address = own.Address
			}
		}
		n.Name = here
	}
	if n.Name == "" {
		if n.Name, err = hostName(); err != nil {
			return n, err
		}
	}
	if !n.Address.IsValid() {
		n.Address, err = addressTowards(endpoint)
	}
	return n, err
}

// hostName is the name of this machine as a Node has it.
func hostName() (string, error) {
	name, err := os.Hostname()
	return strings.ToLower(name), err
}

// addressTowards is the address from which this machine reaches the endpoint, or, without one, others at large. No
// packet is sent but to look up a name.
func addressTowards(endpoint string) (netip.Addr, error) {
	at, name, err := spec.ParseEndpoint(endpoint)
	switch {
	case endpoint == "" || err != nil: // what is wrong with it is told when it is used
		return addressOnRoute("192.0.2.1:9", "this machine has no default route") // a documentation address
	case name == "":
		// On the endpoint's own network the machine may hold the endpoint's address itself, and its answer would be that.
		if a, ok := addressBeside(at.Addr()); ok {
			return a, nil
		}
		return addressOnRoute(at.String(), "this machine has no route to "+endpoint)
	}
	return addressOnRoute(net.JoinHostPort(name, strconv.Itoa(int(at.Port()))), "this machine has no route to "+endpoint)
}

func addressOnRoute(to, otherwise string) (netip.Addr, error) {
	conn, err := net.Dial("udp4", to)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s, so its address among the nodes is unknown: name it with --address (%w)", otherwise, err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr(), nil
}

// addressBeside is the machine's first address in a network that the other address is in, too.
func addressBeside(other netip.Addr) (netip.Addr, bool) {
	for _, p := range ownPrefixes() {
		if p.Contains(other) && p.Addr() != other {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// OtherAddresses are those under which other machines may reach this one, but for the given one.
func OtherAddresses(taken netip.Addr) (others []netip.Addr) {
	for _, p := range ownPrefixes() {
		if a := p.Addr(); a != taken && a.Is4() && a.IsGlobalUnicast() && !p.IsSingleIP() {
			others = append(others, a)
		}
	}
	return others
}

// ownPrefixes are the addresses of this machine's interfaces, with their networks.
func ownPrefixes() (own []netip.Prefix) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil // nothing is suggested then, and asking for a route tells what is wrong
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, p)
		}
	}
	return own
}
