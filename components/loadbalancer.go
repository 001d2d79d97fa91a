package components

import (
	"fmt"
	"net/netip"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/templates"
)

const (
	// KeepalivedFile says, among others, which address the balancers share.
	KeepalivedFile = layout.Balancer + "/keepalived.conf"
	// YieldFile is what keepalived's check looks at, to let another machine have the shared address.
	YieldFile = layout.Balancer + "/yield"
)

// holdsBalancer reports whether an HAProxy of ours runs on n.
func (in *Input) holdsBalancer(n spec.Node) bool {
	if in.Cluster.LoadBalancer.Kind == spec.NodeLocal {
		return true
	}
	for _, lb := range in.Cluster.LoadBalancers() {
		if lb.Name == n.Name {
			return true
		}
	}
	return false
}

// Balancer is the State of n's load balancer alone.
func (in *Input) Balancer(n spec.Node) (node.State, error) {
	resources, err := in.loadBalancer(n)
	if err != nil {
		return node.State{}, fmt.Errorf("%s: %w", n.Name, err)
	}
	return node.State{Version: node.StateVersion, Cluster: in.Certs.ClusterID(), Node: n.Name, Resources: resources, Part: true}, nil
}

// loadBalancer is HAProxy over all API servers and, for a shared address, keepalived beside it.
func (in *Input) loadBalancer(n spec.Node) ([]node.Resource, error) {
	if !in.holdsBalancer(n) {
		return nil, nil
	}
	out, err := in.haproxy(n)
	if err != nil || in.Cluster.LoadBalancer.Kind != spec.VIP {
		return out, err
	}
	keepalived, err := in.keepalived(n)
	return append(out, keepalived...), err
}

// haproxy offers all API servers. One alone is not tested: there is no other while it is slow, and to cut its clients off would
// only give it more to do. For the same reason a balancer alone holds the address whatever it has to offer.
func (in *Input) haproxy(n spec.Node) ([]node.Resource, error) {
	type server struct{ Name, Address string }
	var servers []server
	for _, cp := range in.Cluster.ControlPlanes() {
		servers = append(servers, server{cp.Name, netip.AddrPortFrom(cp.Address, apiserverPort).String()})
	}
	host, port := in.sharedEndpoint()
	text, err := templates.Render("haproxy.cfg", map[string]any{
		"Bind": joinHostPort(host, port), "Health": "127.0.0.1:" + strconv.Itoa(haproxyHealthPort), "Servers": servers,
	})
	if err != nil {
		return nil, err
	}
	config := textFile(layout.Balancer+"/haproxy.cfg", 0o644, text)
	pod := staticPod{
		name: "haproxy", node: n.Name, image: in.Payload.Images["loadbalancer"], cpu: "50m",
		command: []string{"/usr/sbin/haproxy", "-W", "-db", "-f", config.File.Path},
		mounts:  []mount{{path: layout.Balancer}, {path: layout.PKI + "/ca.crt", file: true}},
		inputs:  []node.Resource{config, in.caFile()},
		// Of the balancer alone: one without an API server to offer must not be killed for it.
		liveness: httpGet(corev1.URISchemeHTTP, "127.0.0.1", haproxyHealthPort, "/livez"),
	}
	manifest, err := pod.resource()
	return []node.Resource{dir(layout.Balancer, 0o755), config, manifest}, err
}

func (in *Input) keepalived(n spec.Node) ([]node.Resource, error) {
	c := in.Cluster
	priority, peers := 0, []string(nil)
	for i, lb := range c.LoadBalancers() {
		if lb.Name == n.Name {
			priority = 200 - i
		} else {
			peers = append(peers, lb.Address.String())
		}
	}
	vip := netip.PrefixFrom(c.Endpoint.Addr(), c.Endpoint.Addr().BitLen())
	text, err := templates.Render("keepalived.conf", map[string]any{
		"Node": n.Name, "Interface": in.vipInterface(n), "RouterID": c.LoadBalancer.RouterID, "Priority": priority,
		"Address": n.Address.String(), "Peers": peers, "VIP": vip.String(),
	})
	if err != nil {
		return nil, err
	}
	check, err := templates.Render("keepalived-check.sh", map[string]any{"Host": "127.0.0.1", "Port": haproxyHealthPort, "Yield": YieldFile})
	if err != nil {
		return nil, err
	}
	inputs := []node.Resource{
		textFile(KeepalivedFile, 0o644, text),
		textFile(layout.Balancer+"/check.sh", 0o755, check),
	}
	pod := staticPod{
		name: "keepalived", node: n.Name, image: in.Payload.Images["loadbalancer"], cpu: "50m",
		command: []string{"/usr/sbin/keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", inputs[0].File.Path},
		mounts:  []mount{{path: layout.Balancer}},
		inputs:  inputs,
		security: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{
			Add: []corev1.Capability{"NET_ADMIN", "NET_BROADCAST", "NET_RAW"},
		}},
	}
	manifest, err := pod.resource()
	return append(inputs, manifest), err
}

// vipInterface is the declared interface, or the one that holds the node's address.
func (in *Input) vipInterface(n spec.Node) string {
	if declared := in.Cluster.LoadBalancer.Interface; declared != "" {
		return declared
	}
	return in.Facts[n.Name].Addresses[n.Address.String()]
}
