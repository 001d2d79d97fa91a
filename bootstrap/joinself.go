package bootstrap

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/preflight"
	"github.com/slipway/slipway/internal/spec"
)

// self is the node that this machine is to be.
func (j Joining) self() (n spec.Node, err error) {
	n = spec.Node{Name: j.Node, Role: spec.Worker, Address: j.Address, Labels: j.Labels, Taints: j.Taints}
	if j.ControlPlane {
		n.Role = spec.ControlPlane
		if n.Taints == nil {
			n.Taints = []spec.Taint{controlPlaneTaint}
		}
	}
	if n, err = suggested(n, j.Endpoint); err != nil {
		return n, err
	}
	for key := range n.Labels {
		if !components.OwnLabel(key) {
			return n, &FlagError{"label", fmt.Errorf("a node may not give itself the label %s; once it has joined, on a control plane: kubectl label node %s %s=%s", key, n.Name, key, n.Labels[key])}
		}
	}
	return n, err
}

// declaration is the cluster's, with this machine in it.
func (j Joining) declaration(ctx context.Context, client kubernetes.Interface) (*spec.Cluster, error) {
	n, err := j.self()
	if err != nil {
		return nil, err
	}
	c, err := declaredIn(ctx, client, j.Bundle)
	if err != nil {
		return nil, err
	}
	if err := mayJoin(ctx, client, c, n.Name); err != nil {
		return nil, err
	}
	for _, other := range c.Nodes {
		if other.Address == n.Address {
			return nil, addressTaken(n, other)
		}
		if other.Name == n.Name {
			return nil, nameTaken(n.Name)
		}
	}
	c.Nodes = append(c.Nodes, n)
	return reread(c)
}

// nameFree refuses a name that another machine has: two kubelets of one name would fight over one Node. A machine that
// has a name in the cluster keeps it.
func (r *Run) nameFree(ctx context.Context, m *machine, client kubernetes.Interface) error {
	switch {
	case m.facts.Cluster == r.certs.ClusterID() && m.facts.Node == m.node.Name:
		return nil // this machine, on its second try
	case m.facts.Cluster == r.certs.ClusterID():
		return &UnfitError{preflight.Finding{
			Node: m.node.Name, What: "this machine is in the cluster already, as node " + m.facts.Node,
			Remedy: "join with --node-name " + m.facts.Node + " to finish or repair it, or take it out first: slipway reset",
		}}
	case m.facts.Cluster != "":
		return nil // preflight says what is wrong
	}
	_, err := client.CoreV1().Nodes().Get(ctx, m.node.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("ask whether a node %s exists: %w", m.node.Name, err)
	}
	return nameTaken(m.node.Name)
}

func addressTaken(n, other spec.Node) error {
	return unfit(n.Name, fmt.Sprintf("its address %s is that of node %s", n.Address, other.Name),
		"if this is that machine, it is in the cluster already; if not, join with its own address among the nodes, by --address")
}

func nameTaken(name string) error {
	return unfit(name, "the cluster has a node of this name already",
		"join by another --node-name; or, if that machine is gone for good, kubectl delete node "+name)
}
