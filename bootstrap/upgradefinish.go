package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway/slipway/internal/bundle"
	"github.com/slipway/slipway/internal/check"
	"github.com/slipway/slipway/internal/event"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/node"
	"github.com/slipway/slipway/internal/spec"
)

// UpgradeFinish ends a change of version by hand, from a control plane, once every machine is at the version: kube-proxy and the rest of
// the cluster's objects follow, and machines give up the images of before. Done again, it changes nothing.
func (r *Run) UpgradeFinish(ctx context.Context) (u Upgraded, err error) {
	heard, err := r.meet(ctx)
	if err != nil {
		return u, err
	}
	if !heard {
		return u, errors.New("no API server is ready: slipway upgrade apply or node, run again on this machine, goes on with it first")
	}
	if err := r.aim(""); err != nil {
		return u, err
	}
	if r.rollout == nil {
		return Upgraded{Version: r.Cluster.Kubernetes, Finished: true}, nil
	}
	if err := r.openBundle(); err != nil {
		return u, err
	}
	client, err := r.anyAPI(ctx)
	if err != nil {
		return u, err
	}
	if u, err = r.behind(ctx, client, r.rollout.To); err != nil {
		return u, err
	}
	if left := append(slices.Clone(u.ControlPlanes), u.Workers...); len(left) > 0 {
		return u, &UpgradeError{fmt.Sprintf("%s: not at Kubernetes %s yet", list(left), u.Version), "slipway upgrade node there, control planes first; a machine that is gone for good: kubectl delete node NAME"}
	}
	u.Finished, u.Changed = true, true
	return u, r.finishUpgrade(ctx, client)
}

// finishUpgrade is the end of a change for which every machine is ready.
func (r *Run) finishUpgrade(ctx context.Context, client *kube.Client) error {
	objects, err := r.objectsOfAll(ctx, client)
	if err != nil {
		return err
	}
	objects = slices.DeleteFunc(objects, aggregated)
	err = r.stage("objects", func(sink event.Sink) error {
		ctx, cancel := r.within(ctx)
		defer cancel()
		return check.Wait(ctx, sink, check.Condition{Name: "the API holds the cluster's objects", Test: func(ctx context.Context) error {
			return client.Apply(ctx, objects)
		}})
	})
	if err != nil {
		return err
	}
	if err := r.systemSettles(ctx); err != nil {
		return err
	}
	if err := r.settle(ctx, client); err != nil {
		return err
	}
	return r.closeChange(ctx, client, r.rollout.To)
}

// objectsOfAll are the cluster's objects, also those by which machines join, for all nodes that it has.
func (r *Run) objectsOfAll(ctx context.Context, client *kube.Client) ([]*unstructured.Unstructured, error) {
	live, err := client.LiveNodes(ctx)
	if err != nil {
		return nil, err
	}
	c := *r.Cluster
	c.Nodes = slices.Clone(c.Nodes)
	for _, l := range live {
		if slices.ContainsFunc(c.Nodes, func(n spec.Node) bool { return n.Name == l.Name }) {
			continue
		}
		n, err := r.exported(l)
		if err != nil {
			return nil, err
		}
		c.Nodes = append(c.Nodes, n)
	}
	// Which resolvers the other machines have, they told when they were made: what DNS does since then it goes on doing.
	var resolvers []string
	kept, err := client.Typed.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read the DNS's settings: %w", err)
	}
	if err == nil && strings.Contains(kept.Data["Corefile"], "forward ") {
		resolvers = []string{"as it was"}
	}
	in := r.input()
	in.Cluster, in.Facts = &c, map[string]node.Facts{}
	for _, n := range c.Nodes {
		in.Facts[n.Name] = node.Facts{Resolvers: resolvers}
	}
	objects, err := in.Objects()
	if err != nil || !r.opened {
		return objects, err
	}
	joining, err := opening(in, true)
	return append(objects, joining...), err
}

// settle lets every machine give up what it spared. One that cannot be told keeps it until it is next changed, which does no harm.
func (r *Run) settle(ctx context.Context, client *kube.Client) error {
	names, err := client.NodeNames(ctx)
	if err != nil {
		return err
	}
	self := r.machines[0]
	return r.stage("settle", func(sink event.Sink) error {
		own := event.On(sink, self.node.Name, "settle")
		var g sync.WaitGroup
		for name := range names {
			if name == self.node.Name {
				continue
			}
			g.Go(func() {
				if err := r.settleElsewhere(ctx, client, name, event.On(sink, name, "settle")); err != nil {
					sink.Emit(event.Event{Kind: event.Warning, Node: name, Message: "it keeps images of the version before until its next change, which does no harm: " + err.Error()})
				}
			})
		}
		err := self.agent.Settle(ctx, own)
		g.Wait()
		return err
	})
}

func (r *Run) settleElsewhere(ctx context.Context, client *kube.Client, name string, sink event.Sink) error {
	ctx, cancel := r.within(ctx)
	defer cancel()
	program := r.machines[0].agent.Path()
	_, err := runOnce(ctx, client, kube.OneShot{
		Name: "slipway-settle-" + name, Node: name, Image: bundle.Reference("kube", r.rollout.To),
		Command: []string{path.Join(kube.HostMount, program), "node", "settled", "--root", kube.HostMount},
	}, "it gives up the images of the version before", program, sink)
	return err
}
