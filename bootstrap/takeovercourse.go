package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/kubeadm"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
)

// beginTakeOver remembers that it has begun, and what is replaced, and lets Slipway's API servers speak with all kubelets.
func (r *Run) beginTakeOver(ctx context.Context) error {
	if !r.taking {
		return nil
	}
	r.tellTaken()
	// A run that was cut off may have left the only API server starting again.
	now := make(chan struct{})
	close(now)
	if err := r.waitStage(ctx, "take-over", now, check.Condition{Name: "an API server is ready", Test: func(ctx context.Context) error {
		_, err := r.anyAPI(ctx)
		return err
	}}); err != nil {
		return err
	}
	client, objects, err := r.apiObjects(ctx)
	if err != nil {
		return err
	}
	var kept takingOver
	found, err := r.dir.Get(takeOverFile, &kept)
	if err != nil {
		return err
	}
	if !found || !kept.Unfinished {
		was, err := client.Foreign(ctx, objects)
		if err != nil {
			return err
		}
		gone, err := kubeadm.Leftovers(ctx, client)
		if err != nil {
			return err
		}
		kept = takingOver{Unfinished: true}
		for _, o := range append(was, gone.Objects()...) {
			kept.Replaced = append(kept.Replaced, o.Object)
		}
		if err := r.dir.Put(takeOverFile, kept); err != nil {
			return err
		}
	}
	access := slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GetKind() != "ClusterRoleBinding" || o.GetName() != components.KubeletClientBinding
	})
	return client.Apply(ctx, access)
}

func (r *Run) apiObjects(ctx context.Context) (*kube.Client, []*unstructured.Unstructured, error) {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return nil, nil, err
	}
	objects, err := r.input().Objects()
	return client, objects, err
}

// convergeTaken takes the machines over one after the other, workers first: their kubelets' new certificates are good for
// the API servers before and after, while new API servers do not trust the kubelets of before.
func (r *Run) convergeTaken(ctx context.Context, machines []*machine) error {
	for _, m := range machines {
		if m.node.Role != spec.Worker {
			continue
		}
		if err := r.eachStage("machines", []*machine{m}, func(m *machine, sink event.Sink) error {
			if err := m.agent.Converge(ctx, m.state, sink); err != nil {
				return err
			}
			return r.gateWorker(ctx, m, sink)
		}); err != nil {
			return err
		}
	}
	return nil
}

// gateWorker waits until m's kubelet has told of itself again, and is Ready.
func (r *Run) gateWorker(ctx context.Context, m *machine, sink event.Sink) error {
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	before, err := client.Renewed(ctx, m.node.Name)
	if err != nil {
		return err
	}
	ctx, cancel := r.within(ctx)
	defer cancel()
	return check.Wait(ctx, sink,
		check.Condition{Name: "its kubelet is at work", Node: m.node.Name, Test: func(ctx context.Context) error {
			now, err := client.Renewed(ctx, m.node.Name)
			if err == nil && !now.After(before) {
				err = errors.New("it has not renewed its lease yet")
			}
			return err
		}},
		check.Condition{Name: "the node is Ready", Node: m.node.Name, Test: func(ctx context.Context) error {
			return client.NodesReady(ctx, []string{m.node.Name})
		}})
}

// takeOverObjects gives Slipway what others wrote in the objects that it has as well, and ends the pod network's agent
// of before: what it has set up on the machines stays, and is found by Slipway's.
func (r *Run) takeOverObjects(ctx context.Context) error {
	if !r.taking {
		return nil
	}
	return r.stage("take-over", func(sink event.Sink) error {
		client, objects, err := r.apiObjects(ctx)
		if err != nil {
			return err
		}
		if err := client.Claim(ctx, objects); err != nil {
			return err
		}
		gone, err := kubeadm.Leftovers(ctx, client)
		if err != nil {
			return err
		}
		ctx, cancel := r.within(ctx)
		defer cancel()
		var conditions []check.Condition
		for _, g := range gone {
			if g.Kind != "DaemonSet" {
				continue
			}
			conditions = append(conditions, check.Condition{Name: g.ID() + " is gone", Test: func(ctx context.Context) error {
				return client.DeleteDaemonSet(ctx, g.Namespace, g.Name)
			}})
		}
		return check.Wait(ctx, sink, conditions...)
	})
}

// finishTakeOver does what must wait until all machines and objects are Slipway's: new pods get their network from it, Secrets
// are sealed, which no API server of before could have read, and kubeadm no longer finds its cluster.
func (r *Run) finishTakeOver(ctx context.Context) error {
	if !r.taking {
		return nil
	}
	err := r.eachStage("network", r.withRole(spec.ControlPlane, spec.Worker), func(m *machine, sink event.Sink) error {
		return m.agent.AdoptNetwork(ctx, sink)
	})
	if err != nil {
		return err
	}
	if err := r.seal(ctx); err != nil {
		return fmt.Errorf("seal Secrets: %w", err)
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	if err := client.DeleteConfigMap(ctx, metav1.NamespaceSystem, kubeadm.ConfigName); err != nil {
		return err
	}
	var kept takingOver
	if _, err := r.dir.Get(takeOverFile, &kept); err != nil {
		return err
	}
	kept.Unfinished = false
	if err := r.dir.Put(takeOverFile, kept); err != nil {
		return err
	}
	return r.waitReady(ctx)
}

// unsealed reports whether some control planes are not Slipway's yet, beside others: those could not read sealed Secrets.
func (r *Run) unsealed() bool {
	cps := r.controlPlanes()
	return len(cps) > 1 && slices.ContainsFunc(cps, func(m *machine) bool { return m.taken })
}

// seal converges the control planes once more, as they are from now on.
func (r *Run) seal(ctx context.Context) error {
	cps := r.controlPlanes()
	err := each(cps, func(m *machine) (err error) {
		m.taken = false
		m.facts, err = m.agent.Facts(ctx, preflight.Asks(r.Cluster, m.node))
		return err
	})
	if err != nil {
		return err
	}
	if err := each(cps, func(m *machine) error { return r.compare(ctx, m) }); err != nil {
		return err
	}
	return r.convergeOneByOne(ctx, r.changed(cps))
}
