// Package components computes, for every machine, the State that makes it part of the cluster, and
// the objects that the cluster's API must hold. One file per component; nothing here touches a machine.
package components

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// Input is all that the components of one cluster are computed from.
// The same Input gives the same bytes, so that an unchanged cluster shows no change.
type Input struct {
	Cluster *spec.Cluster
	Certs   *pki.Set
	Facts   map[string]node.Facts // by node name
	Payload Payload

	// Joined is a worker that joined by itself: its kubelet holds certificates of its own, which the cluster
	// issued and renews, and Certs holds nothing but the cluster's authority without its key.
	Joined bool

	// Unsealed leaves Secrets unsealed in etcd while there are API servers yet that could not read them; they read sealed
	// ones already.
	Unsealed bool

	// Members tells how etcd members entered the membership that were not there from the start, by node name.
	Members map[string]Membership

	// Program is where the slipway that gives this Input lies on the machines: it is what timers start.
	Program string
	// ObjectStore is what the operator's files say of where archives go.
	ObjectStore ObjectStore
}

// Payload is what the bundle offers, by name.
type Payload struct {
	Binaries map[string]node.Binary // Path is filled in here, by the component that installs it
	Images   map[string]node.Image
}

const (
	apiserverPort     = 6443 // of each API server on its node's own address
	haproxyHealthPort = 8405 // loopback
)

// State is everything Slipway wants of the machine of n, in the order in which it must be made: kernel,
// binaries, runtime, images, certificates, static pods, and the kubelet that runs them. On control planes the images
// that static pods have no use for come last, while those start.
func (in *Input) State(n spec.Node) (node.State, error) {
	s := node.State{Version: node.StateVersion, Cluster: in.Certs.ClusterID(), Node: n.Name}
	for _, part := range []func(spec.Node) ([]node.Resource, error){
		in.machine, in.containerd, in.earlyImages, in.certificates, in.loadBalancer,
		in.etcd, in.apiserver, in.controllerManager, in.scheduler, in.kubelet, in.lateImages, in.backup,
	} {
		resources, err := part(n)
		if err != nil {
			return node.State{}, fmt.Errorf("%s: %w", n.Name, err)
		}
		s.Resources = append(s.Resources, resources...)
	}
	return s, nil
}

// binary installs the bundle's executable name at path.
func (in *Input) binary(name, path string) (node.Resource, error) {
	b, ok := in.Payload.Binaries[name]
	if !ok {
		return node.Resource{}, fmt.Errorf("the bundle holds no binary %q: rebuild it with this version of slipway", name)
	}
	b.Path, b.Mode = path, 0o755
	return node.Resource{Binary: &b}, nil
}

// ref is the reference of the bundle's image name; unknown names were refused by images.
func (in *Input) ref(name string) string { return in.Payload.Images[name].Ref }

// Server is the URL at which the node's own components reach the API. A control plane talks to its own
// API server, so that a kubelet is never newer than the server it talks to in the middle of an upgrade.
func (in *Input) Server(n spec.Node) string {
	if n.Role == spec.ControlPlane {
		return "https://" + netip.AddrPortFrom(n.Address, apiserverPort).String()
	}
	return in.sharedServer()
}

// sharedServer is the URL that holds on every node of the cluster, for what runs in DaemonSets.
func (in *Input) sharedServer() string {
	host, port := in.sharedEndpoint()
	return "https://" + joinHostPort(host, port)
}

func (in *Input) sharedEndpoint() (host string, port int) {
	c := in.Cluster
	switch {
	case c.LoadBalancer.Kind == spec.NodeLocal:
		return "127.0.0.1", c.LoadBalancer.Port
	case c.EndpointName != "":
		return c.EndpointName, int(c.Endpoint.Port())
	case c.Endpoint.IsValid():
		return c.Endpoint.Addr().String(), int(c.Endpoint.Port())
	}
	return c.ControlPlanes()[0].Address.String(), apiserverPort
}

// AdminServer is the URL for people: the endpoint, or the first control plane where there is none.
func (in *Input) AdminServer() string {
	if in.Cluster.LoadBalancer.Kind == spec.NodeLocal && in.Cluster.Endpoint.Port() == 0 {
		return "https://" + netip.AddrPortFrom(in.Cluster.ControlPlanes()[0].Address, apiserverPort).String()
	}
	c := *in.Cluster
	c.LoadBalancer.Kind = spec.External // the endpoint as declared, also where nodes use their own balancer
	other := Input{Cluster: &c}
	return other.sharedServer()
}

// Endpoint is AdminServer as host and port.
func (in *Input) Endpoint() string { return strings.TrimPrefix(in.AdminServer(), "https://") }

func joinHostPort(host string, port int) string {
	if a, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(a, uint16(port)).String()
	}
	return host + ":" + strconv.Itoa(port)
}

func textFile(path string, mode uint32, content []byte) node.Resource {
	return node.Resource{File: &node.File{Path: path, Mode: mode, Content: content}}
}

func secretFile(path string, content []byte) node.Resource {
	return node.Resource{File: &node.File{Path: path, Mode: 0o600, Content: content, Secret: true}}
}

func dir(path string, mode uint32) node.Resource {
	return node.Resource{Dir: &node.Dir{Path: path, Mode: mode}}
}

func ids(resources []node.Resource) []string {
	out := make([]string, 0, len(resources))
	for _, r := range resources {
		out = append(out, r.ID())
	}
	return out
}
