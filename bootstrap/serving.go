package bootstrap

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
)

const kubeletUnit = "unit kubelet.service"

// convergeServing changes a control plane that serves, and waits until it is whole again. Where its static pods change
// and its kubelet must restart, too, the pods come first, under the kubelet that runs: one that starts while etcd beside it is
// down waits for its API server before it starts anything, and the API server for etcd.
func (r *Run) convergeServing(ctx context.Context, m *machine, sink event.Sink) error {
	// A run that was cut off while it took the machine over may have changed the pods, and the kubelet not yet.
	if r.taking || changesPods(m.changes) && restartsKubelet(m.changes) {
		if err := m.agent.Converge(ctx, withoutKubelet(m.state), sink); err != nil {
			return err
		}
		if err := r.gate(ctx, m, sink); err != nil {
			return err
		}
	}
	if err := m.agent.Converge(ctx, m.state, sink); err != nil {
		return err
	}
	return r.gate(ctx, m, sink)
}

func changesPods(changes []node.Change) bool {
	return slices.ContainsFunc(changes, func(c node.Change) bool { return strings.HasPrefix(c.ID, "file "+layout.Manifests+"/") })
}

func restartsKubelet(changes []node.Change) bool {
	return slices.ContainsFunc(changes, func(c node.Change) bool { return c.ID == kubeletUnit && c.Action == node.Restart })
}

// withoutKubelet is the State of all but the kubelet's unit. What of it the kubelet reads anew by itself does no harm.
func withoutKubelet(s node.State) node.State {
	s.Part = true
	s.Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(r node.Resource) bool { return r.ID() == kubeletUnit })
	return s
}

// withoutPods is the State of all but the static pods.
func withoutPods(s node.State) node.State {
	s.Part = true
	s.Resources = slices.DeleteFunc(slices.Clone(s.Resources), func(r node.Resource) bool { return r.File != nil && path.Dir(r.File.Path) == layout.Manifests })
	return s
}

// gate waits until m's control plane runs as its State says, and is whole.
func (r *Run) gate(ctx context.Context, m *machine, sink event.Sink) error {
	if err := r.podsGate(ctx, m, sink); err != nil { // first, or else what still runs from before would answer
		return err
	}
	return r.gateOn(ctx, m, sink, r.whole(m)...)
}

// podsGate waits until m's static pods run as its State says.
func (r *Run) podsGate(ctx context.Context, m *machine, sink event.Sink) error {
	return r.gateOn(ctx, m, sink, check.Condition{Name: "static pods run as wanted", Node: m.node.Name, Test: func(context.Context) error { return nil }})
}

// gateOn waits until conditions hold while m's static pods run as its State says, no longer than there is hope: a pod that ends
// again and again will not come up by waiting, though it may be caught running.
func (r *Run) gateOn(ctx context.Context, m *machine, sink event.Sink, conditions ...check.Condition) error {
	pods, err := staticPods(m.state)
	if err != nil {
		return err
	}
	ctx, cancel := r.gateWithin(ctx)
	defer cancel()
	run := func(ctx context.Context) error {
		found, err := m.agent.Await(ctx, node.Await{Annotation: components.InputsAnnotation, Pods: pods, Patience: podPatience})
		if found.Crashes >= tooManyCrashes {
			cancel()
		}
		return cmp.Or(err, found.Err())
	}
	for i, c := range conditions {
		conditions[i].Test = func(ctx context.Context) error {
			if err := c.Test(ctx); err != nil {
				return cmp.Or(run(ctx), err)
			}
			return run(ctx)
		}
	}
	return check.Wait(ctx, sink, conditions...)
}

// tooManyCrashes is how often a container may end in a row: the kubelet waits 10, 20 and 40 s between, and an API server
// whose etcd starts beside it may well end once or twice.
const tooManyCrashes = 4

// podPatience is how long a machine is left to wait for its static pods, before it says which are missing.
const podPatience = 3 * time.Second

// The manifests of those static pods that something is to be known of.
const (
	etcdManifest       = layout.Manifests + "/etcd.yaml"
	apiManifest        = layout.Manifests + "/kube-apiserver.yaml"
	controllerManifest = layout.Manifests + "/kube-controller-manager.yaml"
	balancerManifest   = layout.Manifests + "/haproxy.yaml"
)

// staticPods are the pods that the State's manifests make, with the mark by which they are known to run so.
func staticPods(s node.State) (marks map[string]string, err error) {
	marks = map[string]string{}
	for _, r := range s.Resources {
		if r.File == nil || path.Dir(r.File.Path) != layout.Manifests {
			continue
		}
		pod, err := staticPod(r.File.Path, r.File.Content)
		if err != nil {
			return nil, err
		}
		marks[pod.Name] = pod.Annotations[components.InputsAnnotation]
	}
	return marks, nil
}
