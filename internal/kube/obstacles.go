package kube

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
)

// StuckBudgets are the PodDisruptionBudgets that never let one of their pods go, however long a drain waits, as
// "namespace/name: why". A budget that merely allows none at the moment is not among them.
func (c *Client) StuckBudgets(ctx context.Context) (stuck []string, err error) {
	budgets, err := c.Typed.PolicyV1().PodDisruptionBudgets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list disruption budgets: %w", err)
	}
	for _, b := range budgets.Items {
		if why := neverMet(b); why != "" {
			stuck = append(stuck, b.Namespace+"/"+b.Name+": "+why)
		}
	}
	return stuck, nil
}

// neverMet says why b keeps each of its pods for ever; "" where it may let one go.
func neverMet(b policyv1.PodDisruptionBudget) string {
	switch s := b.Status; {
	case s.ExpectedPods == 0 || s.DisruptionsAllowed > 0:
		return ""
	case s.DesiredHealthy >= s.ExpectedPods:
		return fmt.Sprintf("it wants %d healthy pods of %d, and so lets none go", s.DesiredHealthy, s.ExpectedPods)
	}
	return ""
}

// requested is a line of the API server's metrics about an API that a later version removes.
var requested = regexp.MustCompile(`^apiserver_requested_deprecated_apis\{(.*)\} [1-9]`)

// RemovedAPIs are the deprecated APIs that this API server was asked for since it started, and that Kubernetes of that
// version no longer has, as "group/version resource".
// https://kubernetes.io/docs/reference/using-api/deprecation-guide/
func (c *Client) RemovedAPIs(ctx context.Context, of string) ([]string, error) {
	text, err := c.Typed.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}
	return removed(text, of)
}

func removed(metrics []byte, of string) (apis []string, err error) {
	target, err := version.ParseSemantic(of)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := requested.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		labels := map[string]string{}
		for _, pair := range strings.Split(m[1], ",") {
			k, v, _ := strings.Cut(pair, "=")
			labels[k] = strings.Trim(v, `"`)
		}
		release, err := version.ParseGeneric(labels["removed_release"])
		if err != nil || !target.AtLeast(release) {
			continue // never removed, or later
		}
		apis = append(apis, strings.TrimPrefix(labels["group"]+"/"+labels["version"]+" "+labels["resource"], "/"))
	}
	slices.Sort(apis)
	return slices.Compact(apis), lines.Err()
}

// NotReadyNodes are the nodes that are not Ready, as "name: why".
func (c *Client) NotReadyNodes(ctx context.Context) (out []string, err error) {
	nodes, err := c.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	for _, n := range nodes.Items {
		if why := NotReady(&n); why != "" {
			out = append(out, n.Name+": "+why)
		}
	}
	return out, nil
}

// KubeletVersions are the versions of the nodes' kubelets, without "v", by node.
func (c *Client) KubeletVersions(ctx context.Context) (map[string]string, error) {
	nodes, err := c.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	out := map[string]string{}
	for _, n := range nodes.Items {
		out[n.Name] = strings.TrimPrefix(n.Status.NodeInfo.KubeletVersion, "v")
	}
	return out, nil
}

// BarePods are the pods on the named nodes that no controller would make again, as "namespace/name on node". Those that have
// ended do not count, nor do static pods.
func (c *Client) BarePods(ctx context.Context, nodes map[string]bool) (bare []string, err error) {
	var which metav1.ListOptions
	for name := range nodes {
		if len(nodes) == 1 { // of which its own kubelet may ask, too
			which.FieldSelector = "spec.nodeName=" + name
		}
	}
	pods, err := c.Typed.CoreV1().Pods(metav1.NamespaceAll).List(ctx, which)
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	for _, p := range pods.Items {
		ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed || p.DeletionTimestamp != nil
		_, static := p.Annotations[corev1.MirrorPodAnnotationKey]
		if nodes[p.Spec.NodeName] && !ended && !static && metav1.GetControllerOf(&p) == nil {
			bare = append(bare, p.Namespace+"/"+p.Name+" on "+p.Spec.NodeName)
		}
	}
	return bare, nil
}
