package kubeadm

import (
	"slices"
	"strings"

	"github.com/slipway/slipway/internal/spec"
)

// apiPort is the API server's own on each control plane.
const apiPort = 6443

// endpoint finds out how clients reach the API. Whatever stands before the API servers is the owner's, and stays.
func (r *reading) endpoint() {
	r.cluster.LoadBalancer.Kind = spec.Direct
	cps := 0
	for _, l := range r.live {
		if l.ControlPlane {
			cps++
		}
	}
	text := r.config.ControlPlaneEndpoint
	if text == "" {
		if cps > 1 {
			r.nodeLocal("it has no controlPlaneEndpoint")
		}
		return
	}
	at, name, err := spec.ParseEndpoint(text)
	if err != nil {
		r.refuse("correct the ConfigMap kube-system/kubeadm-config", "its controlPlaneEndpoint: %v", err)
		return
	}
	holder := r.controlPlane(at.Addr())
	switch {
	case holder != nil && cps == 1 && at.Port() == apiPort:
		return // the API server itself
	case holder != nil && cps > 1:
		r.nodeLocal("its controlPlaneEndpoint " + text + " is " + holder.Name + " itself, without which nothing reached the API")
		return
	}
	r.cluster.Endpoint, r.cluster.EndpointName = at, name
	r.cluster.LoadBalancer.Kind = spec.External
	r.tell("%s stays as it is: whatever holds it is yours to look after. When all is taken over, the endpoint can be given to Slipway: free the address, and write load_balancer \"vip\" {}", text)
	r.noProxy(text)
}

// nodeLocal gives each node a balancer of its own, since there is none that could be kept.
func (r *reading) nodeLocal(why string) {
	r.cluster.LoadBalancer = spec.LoadBalancing{Kind: spec.NodeLocal, Port: 7443}
	r.tell("%s: each node gets a balancer of its own (load_balancer \"node_local\")", why)
}

// noProxy refuses an address that the control planes hand to each other with nothing but the API servers behind it:
// Slipway's listen on their own addresses only.
func (r *reading) noProxy(endpoint string) {
	i := slices.IndexFunc(r.system, hasKubeVIP)
	if i < 0 {
		return
	}
	r.refuse("put a proxy before them that goes to the control planes' own addresses, at another port or on other machines, and name it as controlPlaneEndpoint; or, with one control plane, take the address off and use the machine's own",
		"kube-vip (pod %s) holds %s on the control planes, and Slipway's API servers listen on each machine's own address only, not on a shared one", strings.TrimSpace(r.system[i].Name), endpoint)
}
