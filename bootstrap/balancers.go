package bootstrap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// DeclarationVariable hands the cluster's declaration to the slipway that runs in a pod. It holds no secret.
const DeclarationVariable = "SLIPWAY_DECLARATION"

// spreadBalancers lets the balancers of all nodes but one know the control planes that r.Cluster has, one node after
// the other, each waited for until its balancer runs so: two keepalived that do not know each other would both hold
// the address. A node is told by its own slipway in a pod that runs once: from here there is no other way to it.
func (r *Run) spreadBalancers(ctx context.Context, api *kube.Client, except, program string, sink event.Sink) error {
	told, err := r.toTell(ctx, api)
	if err != nil {
		return err
	}
	versions, err := api.KubeletVersions(ctx)
	if err != nil {
		return err
	}
	for _, name := range told {
		if name == except {
			continue
		}
		if err := r.tellBalancer(ctx, api, name, versions[name], program, sink); err != nil {
			return &NodeError{name, err}
		}
	}
	return nil
}

// toTell are the nodes that have a balancer to be told. Of a shared address each that may hold it must know the others,
// also one that does not answer now. A balancer of a node's own may know too few control planes for a while.
func (r *Run) toTell(ctx context.Context, api *kube.Client) (told []string, err error) {
	nodes, err := api.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	holders := map[string]bool{}
	for _, n := range r.Cluster.LoadBalancers() {
		holders[n.Name] = true
	}
	for _, n := range nodes.Items {
		switch local := r.Cluster.LoadBalancer.Kind == spec.NodeLocal; {
		case local && kube.NotReady(&n) != "":
			r.Sink.Emit(event.Event{Kind: event.Warning, Node: n.Name, Message: "it is not Ready, so its balancer is not told of the control planes; it is when the next joins or leaves"})
		case local, holders[n.Name]:
			told = append(told, n.Name)
		}
	}
	return told, nil
}

// tellBalancer runs slipway on one node, from the image that it has at its version, and waits until what it changed is at work.
func (r *Run) tellBalancer(ctx context.Context, api *kube.Client, name, version, program string, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	once := kube.OneShot{
		Name: "slipway-balancer-" + name, Node: name, Image: bundle.Reference("kube", version),
		Command: []string{path.Join(kube.HostMount, program), "node", "balancer", name, "--root", kube.HostMount},
		Env:     map[string]string{DeclarationVariable: string(spec.Write(r.Cluster))},
	}
	said, err := runOnce(ctx, api, once, "its balancer is told of the control planes", program, sink)
	if errors.Is(err, kube.ErrRunning) {
		return fmt.Errorf("%w; a control plane that does not answer must come back, or leave by slipway reset, or, if it is gone for good, be taken out by slipway etcd remove, before others join or leave", err)
	}
	if err != nil {
		return err
	}
	wanted := map[string]string{}
	if err := json.Unmarshal([]byte(said), &wanted); err != nil {
		return fmt.Errorf("pod %s left no answer that can be read: %w", once.Name, err)
	}
	var running []check.Condition
	for _, pod := range slices.Sorted(maps.Keys(wanted)) {
		running = append(running, check.Condition{Name: pod + " runs with all control planes", Node: name, Test: func(ctx context.Context) error {
			return api.Mirrored(ctx, pod, name, components.InputsAnnotation, wanted[pod])
		}})
	}
	if err := check.Wait(ctx, sink, running...); err != nil {
		return err
	}
	// The address has moved, or was away while the balancer restarted: it must be back before the next one restarts.
	if e := r.endpointCondition(); e != nil {
		return check.Wait(ctx, sink, *e)
	}
	return nil
}

// BalancerSeen is what a machine has of its own balancer.
type BalancerSeen struct {
	CA        []byte            // the cluster's authority
	Manifest  []byte            // of HAProxy
	Images    map[string]string // digests by reference
	Addresses map[string]string // interfaces by address
}

// BalancerPaths are the files of which Balancer is given the contents.
func BalancerPaths() (ca, manifest string) {
	for _, a := range pki.Authorities() {
		if a.Name == pki.Kubernetes {
			ca = a.Path + ".crt"
		}
	}
	return ca, balancerManifest
}

// Balancer is the State of the named node's balancer alone, as the declaration wants it, with the image that the
// machine runs it from. Its static pods are told with the mark by which they are known to run so.
func Balancer(declaration []byte, name string, seen BalancerSeen) (s node.State, marks map[string]string, err error) {
	c, err := readDraft(declaration, "")
	if err != nil {
		return s, nil, err
	}
	certs, err := pki.Trusted(seen.CA)
	if err != nil {
		return s, nil, err
	}
	now, err := command(map[string][]byte{balancerManifest: seen.Manifest}, balancerManifest)
	if err != nil {
		return s, nil, err
	}
	digest, there := seen.Images[now.Image]
	if !there {
		return s, nil, fmt.Errorf("containerd does not hold the image %s of %s", now.Image, balancerManifest)
	}
	in := components.Input{
		Cluster: c, Certs: certs, Facts: map[string]node.Facts{name: {Addresses: seen.Addresses}},
		Payload: components.Payload{Images: map[string]node.Image{"loadbalancer": {Ref: now.Image, Manifest: node.Blob{Digest: digest}}}},
	}
	n := spec.Node{Name: name, Role: spec.Worker} // one that joined is not in the declaration
	for _, declared := range c.Nodes {
		if declared.Name == name {
			n = declared
		}
	}
	if s, err = in.Balancer(n); err != nil {
		return s, nil, err
	}
	if marks, err = staticPods(s); err != nil {
		return s, nil, err
	}
	return s, marks, nil
}

// KeepGrown keeps the declaration for the verbs that run on the machine of the named node, if it keeps its cluster
// itself. One that joined as a worker stays in it.
func KeepGrown(declaration []byte, name string) error {
	before, err := spec.Read(ownFile, spec.LoadOptions{NoSSH: true, Growing: true})
	if _, there := os.Stat(ownFile); errors.Is(there, fs.ErrNotExist) {
		return nil // slipway apply made it
	}
	if err != nil {
		return err
	}
	c, err := readDraft(declaration, "")
	if err != nil {
		return err
	}
	called := func(n spec.Node) bool { return n.Name == name }
	if at := slices.IndexFunc(before.Nodes, called); at >= 0 && !slices.ContainsFunc(c.Nodes, called) {
		c.Nodes = append(c.Nodes, before.Nodes[at])
	}
	_, err = readOwn(ownFile, spec.Write(c), "")
	return err
}
