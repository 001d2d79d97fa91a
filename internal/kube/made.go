package kube

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// roleLabel and the role are the label by which a node's role shows in kubectl.
const roleLabel = "node-role.kubernetes.io/"

// MadeNode is one node of the API that Slipway made.
type MadeNode struct {
	Name    string
	Address string // its InternalIP; "" if its kubelet never told
	Roles   []string
}

// MadeNodes lists the nodes that carry Slipway's annotation, and so not those that others joined.
func (c *Client) MadeNodes(ctx context.Context) ([]MadeNode, error) {
	return c.madeNodes(ctx, func(n *corev1.Node) bool {
		_, ours := n.Annotations[ownedAnnotation]
		return ours
	})
}

// AllNodes lists all nodes as MadeNodes lists Slipway's.
func (c *Client) AllNodes(ctx context.Context) ([]MadeNode, error) {
	return c.madeNodes(ctx, func(*corev1.Node) bool { return true })
}

func (c *Client) madeNodes(ctx context.Context, which func(*corev1.Node) bool) ([]MadeNode, error) {
	nodes, err := c.nodes(ctx)
	if err != nil {
		return nil, err
	}
	var out []MadeNode
	for _, n := range nodes {
		if which(&n) {
			out = append(out, made(&n))
		}
	}
	return out, nil
}

// nodes lists all nodes that are registered, or of the named ones those that are.
func (c *Client) nodes(ctx context.Context, names ...string) (named []corev1.Node, err error) {
	for _, name := range names {
		n, err := c.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read node %s: %w", name, err)
		}
		named = append(named, *n)
	}
	if len(names) > 0 {
		return named, nil
	}
	list, err := c.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	return list.Items, nil
}

// NodeNames are the names of all nodes that are registered, whoever made them.
func (c *Client) NodeNames(ctx context.Context) (map[string]bool, error) {
	nodes, err := c.nodes(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, n := range nodes {
		out[n.Name] = true
	}
	return out, nil
}

func made(n *corev1.Node) MadeNode {
	m := MadeNode{Name: n.Name}
	for label := range n.Labels {
		if role, ok := strings.CutPrefix(label, roleLabel); ok {
			m.Roles = append(m.Roles, role)
		}
	}
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP && m.Address == "" {
			m.Address = a.Address
		}
	}
	return m
}
