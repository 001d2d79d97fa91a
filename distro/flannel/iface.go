package main

import (
	"fmt"
	"net"

	"github.com/flannel-io/flannel/pkg/backend"
	"github.com/flannel-io/flannel/pkg/ip"
)

// externalInterface is the interface that holds address, which is also the one announced to other
// nodes. The default route's interface would be wrong on a machine with several (a Vagrant VM's
// first one is NAT).
func externalInterface(address string) (*backend.ExternalInterface, error) {
	addr := net.ParseIP(address)
	switch {
	case addr == nil:
		return nil, fmt.Errorf("--node-ip %q is not an IP address", address)
	case addr.To4() == nil:
		return nil, fmt.Errorf("--node-ip %s: IPv6 is not supported yet, give the node's IPv4 address", address)
	}
	iface, err := ip.GetInterfaceByIP(addr.To4())
	if err != nil {
		return nil, fmt.Errorf("--node-ip %s must be an address of this machine: %w", address, err)
	}
	if iface.MTU == 0 {
		return nil, fmt.Errorf("interface %s with address %s has no MTU", iface.Name, address)
	}
	return &backend.ExternalInterface{
		Iface: iface, IfaceName: iface.Name,
		IfaceAddr: addr.To4(), ExtAddr: addr.To4(),
	}, nil
}
