package spec

import (
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// checkRanges checks pods and services against each other and everything that has an address.
// A machine whose address lies inside a range loses its traffic: kube-proxy drops packets to a service
// address that no Service has, and the pod network routes the rest away.
func (d *draft) checkRanges() {
	pods, services := d.Network.Pods, d.Network.Services
	if pods.IsValid() && services.IsValid() && pods.Overlaps(services) {
		at := d.servicesAt
		if at == d.clusterAt {
			at = d.podsAt
		}
		d.errorf(at, "Ranges overlap", "services %s and pods %s overlap, so an address in both could not be routed. Choose ranges apart, such as 10.244.0.0/16 and 10.96.0.0/16.", services, pods)
	}
	d.checkRange(pods, "pods", d.podsAt)
	d.checkRange(services, "services", d.servicesAt)
	d.checkPodsSize(pods)
	d.checkServicesSize(services)
	d.checkFamilies()
}

func (d *draft) checkRange(p netip.Prefix, name string, at hcl.Range) {
	if !p.IsValid() {
		return
	}
	if at == d.clusterAt {
		name += " (by default)"
	}
	const remedy = "Kubernetes would take traffic to it for its own and drop it. Choose a range that holds no machine."
	if a := d.Endpoint.Addr(); a.IsValid() && d.LoadBalancer.Kind != Direct && p.Contains(a) {
		d.errorf(at, "Range holds the endpoint", "%s %s holds the endpoint's address %s (line %d). %s", name, p, a, d.endpointAt.Start.Line, remedy)
	}
	for i, n := range d.Nodes {
		if n.Address.IsValid() && p.Contains(n.Address) {
			d.errorf(at, "Range holds a node", "%s %s holds the address %s of node %q (line %d). %s", name, p, n.Address, n.Name, d.nodes[i].address.Start.Line, remedy)
			return // one is enough: they tend to be all alike
		}
		if a, err := netip.ParseAddr(n.SSHAddress); err == nil && p.Contains(a) {
			d.errorf(at, "Range holds a node", "%s %s holds the ssh_address %s of node %q (line %d). %s", name, p, a, n.Name, d.nodes[i].head.Start.Line, remedy)
			return
		}
	}
}

// checkPodsSize: the controller manager cuts the range into one part per node, /24 or /64, and refuses
// more than 16 bits of parts.
func (d *draft) checkPodsSize(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	part := 24
	if p.Addr().Is6() {
		part = 64
	}
	need := 0
	for _, n := range d.Nodes {
		if n.Role != LoadBalancer {
			need++
		}
	}
	switch bits := part - p.Bits(); {
	case bits > 16:
		d.errorf(d.podsAt, "Range too large", "Each node gets a /%d out of the pods' range, and Kubernetes cuts at most 65536 of them. Use a /%d or smaller.", part, part-16)
	case bits < 0 || 1<<bits < need:
		d.errorf(d.podsAt, "Range too small", "Each node gets a /%d out of the pods' range, and %s has room for %d; the file declares %d. Use a shorter prefix, such as a /%d.",
			part, p, room(bits), need, part-8)
	}
}

func room(bits int) int {
	if bits < 0 {
		return 0
	}
	return 1 << bits
}

// checkServicesSize: the API server takes at most 20 bits, and the cluster's DNS is the tenth address.
func (d *draft) checkServicesSize(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	total := p.Addr().BitLen()
	switch bits := total - p.Bits(); {
	case bits > 20:
		d.errorf(d.servicesAt, "Range too large", "The API server takes a services range of at most 20 bits. Use a /%d or smaller, such as a /%d.", total-20, total-16)
	case bits < 4:
		d.errorf(d.servicesAt, "Range too small", "%s has %d addresses, and the cluster's own services already need more. Use at least a /%d; a /%d leaves room to grow.", p, 1<<bits, total-4, total-16)
	}
}

// checkFamilies: the cluster is of one family, IPv4 or IPv6, which the first node's address sets.
func (d *draft) checkFamilies() {
	want := family(d.Nodes)
	if want == 0 {
		return
	}
	first := ""
	for i, n := range d.Nodes {
		switch {
		case !n.Address.IsValid():
		case first == "":
			first = n.Name
		case familyOf(n.Address) != want:
			d.errorf(d.nodes[i].address, "Mixed address families", "%s is IPv%d while the address of node %q is IPv%d. Give all nodes addresses of one family.", n.Address, familyOf(n.Address), first, want)
		}
	}
	mixed := func(a netip.Addr, what string, at hcl.Range) {
		if a.IsValid() && familyOf(a) != want {
			d.errorf(at, "Mixed address families", "%s is IPv%d while the nodes' addresses are IPv%d. Use the nodes' family.", what, familyOf(a), want)
		}
	}
	mixed(d.Network.Pods.Addr(), "The range of pods", d.podsAt)
	mixed(d.Network.Services.Addr(), "The range of services", d.servicesAt)
	if d.LoadBalancer.Kind == VIP {
		mixed(d.Endpoint.Addr(), "The endpoint", d.endpointAt)
	}
}
