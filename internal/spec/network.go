package spec

import (
	"net/netip"
	"regexp"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"k8s.io/apimachinery/pkg/util/validation"
)

// readNetwork comes after the nodes: the default ranges are of the family of their addresses.
func (d *draft) readNetwork(s section) {
	n := Network{DNS: "cluster.local", NodePorts: "30000-32767"}
	n.Pods, n.Services = netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("10.96.0.0/16")
	if family(d.Nodes) == 6 {
		n.Pods, n.Services = netip.MustParsePrefix("fd00:10:244::/48"), netip.MustParsePrefix("fd00:10:96::/112")
	}
	d.podsAt, d.servicesAt = s.at("pods"), s.at("services")
	d.Places.DNS = s.at("dns")
	if s.block == nil {
		d.podsAt, d.servicesAt, d.Places.DNS = d.clusterAt, d.clusterAt, d.clusterAt
	}
	d.Places.Pods, d.Places.Services = d.podsAt, d.servicesAt
	if s.has("pods") {
		n.Pods, _ = s.prefix("pods", n.Pods)
	}
	if s.has("services") {
		n.Services, _ = s.prefix("services", n.Services)
	}
	n.Proxy = s.choice("proxy", "nftables", "nftables", "iptables", "ipvs")
	n.Backend = s.choice("backend", "vxlan", "vxlan", "host-gw")
	if dns, ok := s.str("dns"); ok {
		if wrong := validation.IsDNS1123Subdomain(dns); len(wrong) > 0 {
			d.errorf(s.at("dns"), "Bad cluster domain", "%q is not a DNS domain: expected lower-case names joined by dots, such as cluster.local.", dns)
		}
		n.DNS = dns
	}
	if ports, ok := s.str("node_ports"); ok {
		n.NodePorts = ports
		d.checkNodePorts(s.at("node_ports"), ports)
	}
	d.Network = n
}

// prefix reads a range. What cannot be read is the zero Prefix, which later checks pass over.
func (s section) prefix(name string, otherwise netip.Prefix) (netip.Prefix, bool) {
	text, ok := s.str(name)
	if !ok {
		return otherwise, false
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		s.errorf(s.at(name), "Bad range", "%q is not a range in CIDR form, such as %q.", text, otherwise.String())
		return netip.Prefix{}, false
	}
	if p != p.Masked() {
		s.errorf(s.at(name), "Bad range", "%s has bits set beyond its /%d. Did you mean %q?", p, p.Bits(), p.Masked().String())
		return netip.Prefix{}, false
	}
	return p, true
}

// checkNodePorts reads "30000-32767" and refuses ports that the machines themselves need.
func (d *draft) checkNodePorts(at hcl.Range, text string) {
	m := regexp.MustCompile(`^([0-9]{1,5})-([0-9]{1,5})$`).FindStringSubmatch(text)
	if m == nil {
		d.errorf(at, "Bad port range", "%q is not a range of ports, such as \"30000-32767\".", text)
		return
	}
	lo, _ := strconv.Atoi(m[1]) // at most five digits
	hi, _ := strconv.Atoi(m[2])
	if lo < 1 || hi > 65535 || lo > hi {
		d.errorf(at, "Bad port range", "%q is not a range of ports: ports go from 1 to 65535, the lower first.", text)
		return
	}
	taken := reservedPorts()
	taken[22], taken[apiPort] = "SSH", "the API server"
	if p := int(d.Endpoint.Port()); p != 0 && d.LoadBalancer.Kind == VIP {
		taken[p] = "the endpoint"
	}
	if p := d.LoadBalancer.Port; p != 0 {
		taken[p] = "the nodes' own load balancer"
	}
	for port := lo; port <= hi; port++ {
		if who := taken[port]; who != "" {
			d.errorf(at, "Port range holds a taken port", "Port %d belongs to %s, so Services must not be given it. Use a range clear of it, such as \"30000-32767\".", port, who)
			return
		}
	}
}

// family is 4 or 6, that of the first node with an address; 0 if there is none.
func family(nodes []Node) int {
	for _, n := range nodes {
		if n.Address.IsValid() {
			return familyOf(n.Address)
		}
	}
	return 0
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}
