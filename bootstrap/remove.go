package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

// detachPatience is how long volumes are waited for to be detached from a dead machine. Kubernetes detaches
// them by itself later, some minutes after the Node is gone.
const detachPatience = 30 * time.Second

// removeGone takes nodes out of the cluster and cleans their machines. The cluster's part comes first: from then
// on nothing is scheduled there, whatever becomes of the machine. A machine that is dead is remembered, and cleaned
// by a later Apply.
func (r *Run) removeGone(ctx context.Context) error {
	var now []*machine
	for _, m := range r.gone {
		if m.left == "" || m.host != nil {
			now = append(now, m)
		}
	}
	if len(now) == 0 {
		return nil
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return err
	}
	remove := func(m *machine, sink event.Sink) error { return r.remove(ctx, client, m, sink) }
	others, planes := inOrder(now)
	err = r.eachStage("remove", others, remove)
	for _, m := range planes {
		if err == nil {
			err = r.eachStage("remove", []*machine{m}, remove)
		}
	}
	r.gone = slices.DeleteFunc(r.gone, func(m *machine) bool { return m.cleaned })
	return errors.Join(err, r.remember())
}

func (r *Run) remove(ctx context.Context, client *kube.Client, m *machine, sink event.Sink) error {
	if m.host == nil {
		if m.unreached = r.reach(ctx, m); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	// A machine that left before may have joined again by itself; another of its name is none of its business.
	ours := m.left == "" || m.left == r.certs.ClusterID()
	if ours && m.node.Role != spec.LoadBalancer && !r.declares(m.node.Name) {
		if err := r.takeOut(ctx, client, m, sink); err != nil {
			return err
		}
	}
	m.left = cmp.Or(m.left, r.certs.ClusterID())
	var err error
	if m.unreached == nil && !m.apart {
		err = r.clean(ctx, m, false, sink)
	}
	switch {
	case m.unreached == nil && err == nil:
		m.cleaned = true
	case r.forgets(m.node.Name):
		m.cleaned = true
		sink.Emit(event.Event{Kind: event.Warning, Message: forgotten})
	case m.unreached != nil:
		sink.Emit(event.Event{Kind: event.Warning, Message: r.unclean(m)})
	default:
		return fmt.Errorf("%w (it is out of the cluster; --forget %s gives the machine up)", err, m.node.Name)
	}
	return nil
}

// takeOut takes m's node out of the cluster: by eviction while its machine answers.
func (r *Run) takeOut(ctx context.Context, client *kube.Client, m *machine, sink event.Sink) error {
	if m.unreached != nil {
		return r.abandon(ctx, client, m, sink)
	}
	if m.node.Role == spec.ControlPlane {
		return r.takeOutMember(ctx, client, m, sink)
	}
	if err := client.Drain(ctx, m.node.Name, r.timeout()); err != nil {
		return err
	}
	return client.DeleteNode(ctx, m.node.Name)
}

// abandon takes a node out whose machine does not answer. A machine that has just died is Ready for some time
// yet; one that stays Ready lives, and its pods must not run twice.
func (r *Run) abandon(ctx context.Context, client *kube.Client, m *machine, sink event.Sink) error {
	name := m.node.Name
	within, cancel := r.within(ctx)
	defer cancel()
	err := check.Wait(within, sink, check.Condition{Name: "the node of a machine that does not answer is not Ready", Node: name, Test: func(ctx context.Context) error {
		return client.Abandon(ctx, name)
	}})
	if errors.Is(err, kube.ErrAtWork) {
		return fmt.Errorf("it cannot be reached, but it is not dead either, since its kubelet is at work: make it reachable, or power it off, and apply again: %w", m.unreached)
	}
	if err != nil {
		return err
	}
	if err := r.detach(ctx, client, m, sink); err != nil {
		return err
	}
	if err := client.DeleteNode(ctx, name); err != nil {
		return err
	}
	// DaemonSets made theirs again until the Node was gone.
	within, cancel = r.within(ctx)
	defer cancel()
	return check.Wait(within, sink, check.Condition{Name: "its pods are given up", Node: name, Test: func(ctx context.Context) error {
		dropped, err := client.DropPods(ctx, name)
		if err == nil && dropped > 0 {
			err = fmt.Errorf("%d pods", dropped)
		}
		return err
	}})
}

// detach waits a while for m's volumes, so that pods that need them start elsewhere at once.
func (r *Run) detach(ctx context.Context, client *kube.Client, m *machine, sink event.Sink) error {
	within, cancel := context.WithTimeout(ctx, detachPatience)
	defer cancel()
	var volumes []string
	err := check.Wait(within, sink, check.Condition{Name: "its volumes are detached", Node: m.node.Name, Test: func(ctx context.Context) (err error) {
		attached, err := client.Attached(ctx, m.node.Name)
		if err != nil {
			return err
		}
		if volumes = attached; len(volumes) > 0 {
			return fmt.Errorf("still attached: %s", strings.Join(volumes, ", "))
		}
		return nil
	}})
	if err != nil && len(volumes) > 0 && ctx.Err() == nil {
		sink.Emit(event.Event{Kind: event.Warning, Message: "volumes stay attached for some minutes, and pods that need them wait: " + strings.Join(volumes, ", ")})
		return nil
	}
	return err
}
