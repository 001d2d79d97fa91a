package main

import (
	"net"
	"os"
	"strings"

	"github.com/flannel-io/flannel/pkg/ip"
)

// readPrevious reads which ranges an earlier run wrote to its subnet file, so that iptables rules
// for other ones can be found and removed. Where there is no file, or none that makes sense, there
// are no such rules to find: /run is empty after a reboot, and so is the firewall.
func readPrevious(path string) previous {
	text, err := os.ReadFile(path)
	if err != nil {
		return previous{}
	}
	var was previous
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, "=")
		_, cidr, err := net.ParseCIDR(value)
		if err != nil || cidr.IP.To4() == nil {
			continue
		}
		switch key {
		case "FLANNEL_NETWORK":
			was.network = ip.FromIPNet(cidr)
		case "FLANNEL_SUBNET":
			was.subnet = ip.FromIPNet(cidr)
		}
	}
	return was
}
