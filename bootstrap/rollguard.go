package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/preflight"
)

// mayRollOut refuses a change of version, before anything is changed, that would not come through. A change that stands half
// way is let go on: what it lacks may be what this run is to mend.
func (r *Run) mayRollOut(ctx context.Context) error {
	switch {
	case r.back():
		return r.guardTakeBack(ctx)
	case r.rollout == nil || !r.rollout.Begun.IsZero():
		return nil
	}
	return r.judge(ctx, r.guards()...)
}

// guards are those of every change of version.
func (r *Run) guards() []guard {
	return []guard{r.guardMembers, r.guardReady, r.guardSkew, r.guardCertificates, r.guardDisk, r.guardBudgets, r.guardBarePods, r.guardRequests, r.guardStored}
}

// guard calls refuse with each thing that forbids a change of version, or fails where that cannot be found out.
type guard func(ctx context.Context, client *kube.Client, refuse func(name, what, remedy string)) error

// judge refuses with all that guards find, at once.
func (r *Run) judge(ctx context.Context, guards ...guard) error {
	return r.stage("guards", func(event.Sink) error {
		client, err := r.anyAPI(ctx)
		if err != nil {
			return fmt.Errorf("a change of version needs a cluster that serves: %w", err)
		}
		var found []error
		refuse := func(name, what, remedy string) {
			found = append(found, &UnfitError{preflight.Finding{Node: name, What: what, Remedy: remedy}})
		}
		for _, guard := range guards {
			if err := guard(ctx, client, refuse); err != nil {
				return err
			}
		}
		return errors.Join(found...)
	})
}

// guardMembers: a control plane restarts its etcd member, which the others must do without.
func (r *Run) guardMembers(ctx context.Context, _ *kube.Client, refuse func(name, what, remedy string)) error {
	for _, m := range r.controlPlanes() {
		if err := r.voting(ctx, m); err != nil {
			refuse(m.node.Name, "its etcd member is not well: "+err.Error(), "slipway status shows more; mend it, or apply with the version that runs")
		}
	}
	return nil
}

func (r *Run) guardReady(ctx context.Context, client *kube.Client, refuse func(name, what, remedy string)) error {
	sick, err := client.NotReadyNodes(ctx)
	for _, n := range sick {
		name, why, _ := strings.Cut(n, ": ")
		refuse(name, "is not Ready: "+why, "journalctl -u kubelet on the machine; or take it out of the file and apply with the version that runs")
	}
	return err
}

// guardSkew: a kubelet may be three minor versions older than an API server, and never newer.
// https://kubernetes.io/releases/version-skew-policy/#kubelet
func (r *Run) guardSkew(ctx context.Context, client *kube.Client, refuse func(name, what, remedy string)) error {
	kubelets, err := client.KubeletVersions(ctx)
	if err != nil {
		return err
	}
	target, err := version.ParseSemantic(r.rollout.To)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(kubelets)) {
		v, err := version.ParseSemantic(kubelets[name])
		switch {
		case err != nil:
			refuse(name, "the version of its kubelet cannot be read: "+err.Error(), "look at the machine")
		case v.Minor() > target.Minor():
			refuse(name, fmt.Sprintf("its kubelet is of %s, newer than the API servers would be", kubelets[name]), "no kubelet may be newer than an API server: take the node out first")
		case target.Minor() > v.Minor()+3:
			refuse(name, fmt.Sprintf("its kubelet is of %s, more than three minor versions older than %s", kubelets[name], r.rollout.To), "bring it to a newer version first")
		}
	}
	return nil
}

func (r *Run) guardBudgets(ctx context.Context, client *kube.Client, refuse func(name, what, remedy string)) error {
	workers, err := r.drainable(ctx, client)
	if err != nil || len(workers) == 0 {
		return err
	}
	stuck, err := client.StuckBudgets(ctx)
	for _, b := range stuck {
		name, why, _ := strings.Cut(b, ": ")
		refuse("PodDisruptionBudget "+name, why+", so that no node with one of them can be drained", "let it allow one disruption, or run more pods")
	}
	return err
}

// guardBarePods: draining deletes pods, and these nobody would make again.
func (r *Run) guardBarePods(ctx context.Context, client *kube.Client, refuse func(name, what, remedy string)) error {
	if r.Cluster.Upgrade.DeleteBarePods {
		return nil
	}
	workers, err := r.drainable(ctx, client)
	if err != nil {
		return err
	}
	bare, err := client.BarePods(ctx, workers)
	for _, p := range bare {
		refuse("", "pod "+p+" has no controller, so that draining would delete it for good", "let a Deployment or a Job make it, delete it, or allow it by upgrade { delete_bare_pods = true }")
	}
	return err
}

// drainable are the workers that a change of version drains. Those that joined by themselves are not declared; a worker that changes
// itself knows of no other.
func (r *Run) drainable(ctx context.Context, client *kube.Client) (map[string]bool, error) {
	workers := map[string]bool{}
	for _, n := range r.Cluster.Workers() {
		workers[n.Name] = true
	}
	if r.Here == "" || r.asked != nil {
		return workers, nil
	}
	nodes, err := client.NodeNames(ctx)
	for _, n := range r.Cluster.ControlPlanes() {
		delete(nodes, n.Name)
	}
	return nodes, err
}

// guardRequests: clients that still ask for an API which the new version has not would fail from then on.
func (r *Run) guardRequests(ctx context.Context, _ *kube.Client, refuse func(name, what, remedy string)) error {
	for _, m := range r.controlPlanes() {
		client, err := r.api(m)
		if err != nil {
			return err
		}
		apis, err := client.RemovedAPIs(ctx, r.rollout.To)
		if err != nil {
			return &NodeError{m.node.Name, err}
		}
		for _, api := range apis {
			refuse(m.node.Name, "its API server was asked for "+api+", which "+r.rollout.To+" does not have any more", "find the client in the audit log (k8s.io/deprecated) and update it; the count begins anew when the API server restarts")
		}
	}
	return nil
}
