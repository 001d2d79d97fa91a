package kube

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeInfo is what the API knows of one node.
type NodeInfo struct {
	Name, Address string
	NotReady      string // why; "" when Ready
	Cordoned      bool
	Version       string // of the kubelet, without "v"
	Runtime       string // "containerd 2.4.2"
	OS, Kernel    string
	Pods          int
	Conditions    []string // those that are not as they should be
}

// NodeInfo lists all nodes with the number of their pods.
func (c *Client) NodeInfo(ctx context.Context) ([]NodeInfo, error) {
	nodes, err := c.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	pods, err := c.Typed.CoreV1().Pods("").List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	count := map[string]int{}
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			count[p.Spec.NodeName]++
		}
	}
	var out []NodeInfo
	for _, n := range nodes.Items {
		out = append(out, info(&n, count[n.Name]))
	}
	return out, nil
}

func info(n *corev1.Node, pods int) NodeInfo {
	i := NodeInfo{
		Name: n.Name, NotReady: NotReady(n), Cordoned: n.Spec.Unschedulable, Pods: pods,
		Version: strings.TrimPrefix(n.Status.NodeInfo.KubeletVersion, "v"),
		Runtime: strings.Replace(n.Status.NodeInfo.ContainerRuntimeVersion, "://", " ", 1),
		OS:      n.Status.NodeInfo.OSImage, Kernel: n.Status.NodeInfo.KernelVersion,
	}
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			i.Address = a.Address
		}
	}
	for _, cond := range n.Status.Conditions {
		if cond.Type != corev1.NodeReady && cond.Status != corev1.ConditionFalse {
			i.Conditions = append(i.Conditions, string(cond.Type))
		}
	}
	return i
}

// Leaders tells which node holds each of the named leases of kube-system. Those without a holder are left out.
func (c *Client) Leaders(ctx context.Context, names ...string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		lease, err := c.Typed.CoordinationV1().Leases(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
		if err != nil || lease.Spec.HolderIdentity == nil {
			continue
		}
		// "cp-1_0b4f…": the host's name and a random part.
		host, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
		out[name] = host
	}
	return out
}
