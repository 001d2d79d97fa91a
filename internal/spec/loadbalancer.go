package spec

import (
	"regexp"
	"slices"
)

func lbKinds() []string { return []string{string(VIP), string(NodeLocal), string(External)} }

// lbSettings are the attributes that each kind understands.
func lbSettings(kind LBKind) []string {
	switch kind {
	case VIP:
		return []string{"interface", "router_id"}
	case NodeLocal:
		return []string{"port"}
	}
	return nil
}

// readLoadBalancer reads load_balancer "vip" | "node_local" | "external". Without the block
// clients reach the one API server directly.
func (d *draft) readLoadBalancer(s section) {
	if s.block == nil {
		d.LoadBalancer.Kind = Direct
		return
	}
	kind := s.block.label
	if s.block.unlabelled() {
		d.unsure = true
		return
	}
	if !slices.Contains(lbKinds(), kind) {
		d.errorf(s.block.labelRange, "Unknown load balancer", "A load balancer is %s, and this is %q.%s Leave the block out for a single control plane without one.",
			anyOf(lbKinds()), kind, suggest(kind, lbKinds()))
		d.unsure = true
		return
	}
	lb := LoadBalancing{Kind: LBKind(kind)}
	settings := lbSettings(lb.Kind)
	for _, name := range s.block.typ.attributeNames() {
		if s.has(name) && !slices.Contains(settings, name) {
			d.errorf(s.block.attrs[name].NameRange, "Setting of another load balancer", "load_balancer %q takes no %s.%s", kind, name, takes("attributes", settings))
		}
	}
	if slices.Contains(settings, "interface") {
		lb.Interface = s.interfaceName("interface")
	}
	if slices.Contains(settings, "router_id") {
		lb.RouterID = defaultRouterID
		if id, ok := s.integer("router_id", 1, 255, "A VRRP router id"); ok {
			lb.RouterID = id
		}
	}
	if slices.Contains(settings, "port") {
		lb.Port = s.localPort()
	}
	d.LoadBalancer = lb
}

const (
	defaultRouterID = 51
	// defaultLocalPort differs from the API server's, which on a control plane may listen on loopback too.
	defaultLocalPort = 7443
)

func (s section) localPort() int {
	port, ok := s.integer("port", 1, 65535, "A port")
	if !ok {
		return defaultLocalPort
	}
	if who := reservedPorts()[port]; who != "" {
		s.errorf(s.at("port"), "Port taken", "Port %d belongs to %s on a Kubernetes node. Use another, such as %d.", port, who, defaultLocalPort)
	}
	return port
}

// interfaceName reads the name of a network interface as Linux allows it, less what a shell or a
// configuration file would trip over.
func (s section) interfaceName(attr string) string {
	name, ok := s.str(attr)
	if !ok {
		return ""
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$`).MatchString(name) || name == "." || name == ".." {
		s.errorf(s.at(attr), "Bad interface name", "%q is not the name of a network interface: expected up to 15 letters, digits and _ . @ -, such as eth0 or bond0.100.", name)
		return ""
	}
	return name
}
