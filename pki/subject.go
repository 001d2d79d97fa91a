package pki

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/spec"
)

// commonName is the leaf's CN on node.
func (l Leaf) commonName(node string) string {
	if l.CN == "" || strings.HasSuffix(l.CN, ":") {
		return l.CN + node
	}
	return l.CN
}

// hosts are the leaf's subject alternative names on n, sorted, each once.
func (l Leaf) hosts(c *spec.Cluster, n spec.Node) []string {
	var out []string
	switch l.SANs {
	case NoSANs:
		return nil
	case ServingSANs:
		out = serving(n)
	case LoopSANs:
		out = append(serving(n), loopback()...)
	case ServiceSANs:
		out = append(serving(n), service(c)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func serving(n spec.Node) []string { return []string{n.Name, n.Address.Unmap().String()} }

func loopback() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// service lists all by which clients inside and outside the cluster reach the API.
func service(c *spec.Cluster) []string {
	first := c.Network.Services.Masked().Addr().Next() // the address of the Service kubernetes.default
	out := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", first.Unmap().String()}
	if c.Network.DNS != "" {
		out = append(out, "kubernetes.default.svc."+c.Network.DNS)
	}
	if c.Endpoint.Addr().IsValid() {
		out = append(out, c.Endpoint.Addr().Unmap().String())
	}
	if c.EndpointName != "" {
		out = append(out, c.EndpointName)
	}
	if c.LoadBalancer.Kind == spec.NodeLocal {
		out = append(out, loopback()...)
	}
	for _, san := range c.PKI.ExtraSANs {
		if a, err := netip.ParseAddr(san); err == nil {
			san = a.Unmap().String() // in the form in which a certificate gives it back
		}
		out = append(out, san)
	}
	return out
}
