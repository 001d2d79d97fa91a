package spec

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// apiPort is the port of the API server on its own node, and of the endpoint unless it names another.
const apiPort = 6443

// readEndpoint reads "10.0.0.100:6443", "[fd00::100]:6443", "api.example.com:6443", or any of them without port.
func (d *draft) readEndpoint(s section) {
	d.endpointAt = s.at("endpoint")
	text, ok := s.str("endpoint")
	if !ok {
		d.unsure = d.unsure || s.has("endpoint") && !d.isNull(s, "endpoint")
		return
	}
	addr, name, port, wrong := parseEndpoint(text)
	if wrong != "" {
		d.errorf(d.endpointAt, "Bad endpoint", "%s Expected an address or a name with a port, such as \"10.0.0.100:6443\", \"[fd00::100]:6443\" or \"api.example.com:6443\".", wrong)
		d.unsure = true
		return
	}
	d.Endpoint, d.EndpointName = netip.AddrPortFrom(addr, port), name
}

// isNull tells an endpoint left out by a condition from one that is wrong.
func (d *draft) isNull(s section, name string) bool {
	v, diags := s.block.attrs[name].Expr.Value(s.scope.ctx)
	return !diags.HasErrors() && v.IsNull()
}

// ParseEndpoint reads what the endpoint attribute takes, for a flag. Where it is a name, addr has the port alone.
func ParseEndpoint(text string) (addr netip.AddrPort, name string, err error) {
	a, name, port, wrong := parseEndpoint(text)
	if wrong != "" {
		return addr, "", fmt.Errorf("%q is no endpoint: %s Expected an address or a name with a port, such as 10.0.0.100:6443 or api.example.com:6443", text, wrong)
	}
	return netip.AddrPortFrom(a, port), name, nil
}

func parseEndpoint(text string) (addr netip.Addr, name string, port uint16, wrong string) {
	if strings.Contains(text, "://") {
		return addr, "", 0, "An endpoint has no scheme: leave out what stands before the address."
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a, "", apiPort, unusable(a)
	}
	host, portText := text, strconv.Itoa(apiPort)
	if strings.Contains(text, ":") {
		var err error
		if host, portText, err = net.SplitHostPort(text); err != nil {
			return addr, "", 0, "This cannot be read as host and port."
		}
	}
	n, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || n == 0 {
		return addr, "", 0, strconv.Quote(portText) + " is not a port: ports go from 1 to 65535."
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a, "", uint16(n), unusable(a)
	}
	if numeric(host) || len(validation.IsDNS1123Subdomain(host)) > 0 {
		return addr, "", 0, strconv.Quote(host) + " is neither an IP address nor a DNS name in lower case."
	}
	return addr, host, uint16(n), ""
}

// numeric reports whether a host that is no IP address was clearly meant to be one: 10.0.0.300.
func numeric(host string) bool { return regexp.MustCompile(`^[0-9.]+$`).MatchString(host) }

// unusable says why a cannot be a machine's or an endpoint's address, or "".
func unusable(a netip.Addr) string {
	switch {
	case a.Zone() != "":
		return "An address with a zone (%" + a.Zone() + ") means something on one machine only."
	case a.Is4In6():
		return "Write the IPv4 address " + a.Unmap().String() + " by itself, not mapped into IPv6."
	case a.IsUnspecified():
		return a.String() + " stands for any address; name the one that others use."
	case a.IsLoopback():
		return a.String() + " is loopback, which other machines cannot reach."
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return a.String() + " is not the address of one machine."
	case a.IsLinkLocalUnicast():
		return a.String() + " is link-local, which changes and is not routed."
	}
	return ""
}

// reservedPorts are taken on the nodes, whatever the file says.
func reservedPorts() map[int]string {
	return map[int]string{
		2379: "etcd", 2380: "etcd", 2381: "etcd's metrics",
		8405: "HAProxy's health check", 10246: "flannel's health check", 10248: "the kubelet", 10249: "kube-proxy", 10250: "the kubelet", 10256: "kube-proxy",
		10257: "the controller manager", 10259: "the scheduler",
	}
}

// checkEndpoint checks the endpoint against the kind of load balancer and the nodes.
func (d *draft) checkEndpoint() {
	if d.unsure {
		return
	}
	given := d.Endpoint.Port() != 0
	switch kind := d.LoadBalancer.Kind; {
	case !given && (kind == VIP || kind == External):
		d.errorf(d.clusterAt, "Missing endpoint", "With load_balancer %q the cluster must say where the API is reached: endpoint = \"10.0.0.100:6443\", %s.",
			kind, map[LBKind]string{VIP: "a free address of the nodes' own network", External: "the address or name of your load balancer"}[kind])
		return
	case kind == VIP && d.EndpointName != "":
		d.errorf(d.endpointAt, "A name for a virtual address", "With load_balancer \"vip\" the nodes themselves hold the endpoint, so it must be an IP address; %q is a name. Put the name into pki { extra_sans = […] } to use it as well.", d.EndpointName)
		return
	case kind == Direct:
		d.checkDirect(given)
	}
	if who := reservedPorts()[int(d.Endpoint.Port())]; given && d.LoadBalancer.Kind == VIP && who != "" {
		d.errorf(d.endpointAt, "Port taken", "Port %d belongs to %s on the nodes that would hold the endpoint. Use another, such as 6443.", d.Endpoint.Port(), who)
	}
	if given {
		d.checkEndpointIsNoNode()
	}
}

// checkDirect fills in the endpoint of a cluster whose one API server has nothing in front of it.
func (d *draft) checkDirect(given bool) {
	cps := d.ControlPlanes()
	if d.partial || len(cps) != 1 || !cps[0].Address.IsValid() {
		return
	}
	own := netip.AddrPortFrom(cps[0].Address, apiPort)
	switch {
	case !given:
		d.Endpoint = own
	case d.Endpoint.Port() != apiPort:
		d.errorf(d.endpointAt, "Nothing listens there", "Without a load balancer clients reach the API server itself, on port %d. Write that port, or add load_balancer \"external\" {} if something forwards port %d to it.", apiPort, d.Endpoint.Port())
	case d.EndpointName == "" && d.Endpoint != own:
		d.errorf(d.endpointAt, "Nothing holds the endpoint", "No load balancer is declared and %s is not the control plane's address, %s. Leave the endpoint out, or add load_balancer \"vip\" {} for an address that the nodes hold, or load_balancer \"external\" {} for one that you forward.", d.Endpoint.Addr(), own.Addr())
	}
}

func (d *draft) checkEndpointIsNoNode() {
	kind, cps := d.LoadBalancer.Kind, len(d.ControlPlanes())
	if kind != VIP && cps < 2 {
		return
	}
	for i, n := range d.Nodes {
		same := d.Endpoint.Addr().IsValid() && d.Endpoint.Addr() == n.Address
		if !same && (d.EndpointName == "" || d.EndpointName != n.Name) {
			continue
		}
		why := "the cluster would be out of reach whenever that node is"
		if kind == VIP {
			why = "a virtual address moves between nodes and cannot be one node's own"
		}
		d.errorf(d.endpointAt, "The endpoint is a node", "The endpoint is that of node %q (line %d), but %s. Use an address that no machine has.",
			n.Name, d.nodes[i].address.Start.Line, why)
		return
	}
}
