package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LiveNode is a node as its Node object tells of it, less what Kubernetes itself puts there.
type LiveNode struct {
	Name         string
	Address      string // its InternalIP
	ControlPlane bool
	Labels       map[string]string // nil where there are none
	Taints       []corev1.Taint
}

// LiveNodes lists all nodes there are, control planes first, by name.
func (c *Client) LiveNodes(ctx context.Context) ([]LiveNode, error) {
	list, err := c.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	var out []LiveNode
	for _, n := range list.Items {
		out = append(out, liveNode(&n))
	}
	slices.SortFunc(out, func(a, b LiveNode) int {
		if a.ControlPlane != b.ControlPlane {
			if a.ControlPlane {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

func liveNode(n *corev1.Node) LiveNode {
	m := made(n)
	out := LiveNode{Name: n.Name, Address: m.Address, ControlPlane: slices.Contains(m.Roles, "control-plane")}
	for key, value := range n.Labels {
		if kubernetesOwn(key) {
			continue
		}
		if out.Labels == nil {
			out.Labels = map[string]string{}
		}
		out.Labels[key] = value
	}
	for _, t := range n.Spec.Taints {
		if !strings.HasPrefix(t.Key, "node.kubernetes.io/") && t.Key != corev1.TaintNodeUnschedulable { // those come and go
			out.Taints = append(out.Taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
		}
	}
	return out
}

// kubernetesOwn reports whether Kubernetes or one of its tools sets the label.
func kubernetesOwn(key string) bool {
	domain, _, prefixed := strings.Cut(key, "/")
	return prefixed && (domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io") || domain == "k8s.io" || strings.HasSuffix(domain, ".k8s.io"))
}
