package kube

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// cordonedAnnotation marks nodes that Slipway cordoned, so that a run after one that was cut off takes just those back.
const cordonedAnnotation = "slipway.dev/cordoned"

// Cordon lets nothing new be scheduled to the node. One that somebody else cordoned stays theirs.
func (c *Client) Cordon(ctx context.Context, name string) error {
	n, err := c.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("cordon %s: %w", name, err)
	}
	if n.Spec.Unschedulable {
		return nil
	}
	return c.patchCordon(ctx, name, true, "yes")
}

// Uncordon takes Cordon back on every node where Slipway did it, or on the named ones alone: a kubelet may read no other.
func (c *Client) Uncordon(ctx context.Context, names ...string) error {
	nodes, err := c.nodes(ctx, names...)
	if err != nil {
		return fmt.Errorf("uncordon: %w", err)
	}
	for _, n := range nodes {
		if n.Annotations[cordonedAnnotation] == "" {
			continue
		}
		if err := c.patchCordon(ctx, n.Name, false, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) patchCordon(ctx context.Context, name string, unschedulable bool, mark any) error {
	text, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{cordonedAnnotation: mark}},
		"spec":     map[string]any{"unschedulable": unschedulable},
	})
	if err != nil {
		return err
	}
	_, err = c.Typed.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, text, metav1.PatchOptions{FieldManager: FieldManager})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("cordon or uncordon %s: %w", name, err)
	}
	return nil
}

// NodeReady is nil when the node is Ready. A kubelet may ask that of its own.
func (c *Client) NodeReady(ctx context.Context, name string) error {
	n, err := c.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if why := NotReady(n); why != "" {
		return fmt.Errorf("it is not Ready: %s", why)
	}
	return nil
}

// NodeRuns is nil when the node is Ready with a kubelet of that version.
func (c *Client) NodeRuns(ctx context.Context, name, version string) error {
	n, err := c.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if got := n.Status.NodeInfo.KubeletVersion; got != "v"+version {
		return fmt.Errorf("its kubelet is of %s, not v%s", got, version)
	}
	if why := NotReady(n); why != "" {
		return fmt.Errorf("it is not Ready: %s", why)
	}
	return nil
}

// SystemRunsOn is nil when every pod of kube-system on the node that should run does.
func (c *Client) SystemRunsOn(ctx context.Context, name string) error {
	pods, err := c.Typed.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return err
	}
	var waiting []string
	for i := range pods.Items {
		if why := podTrouble(&pods.Items[i]); why != "" {
			waiting = append(waiting, "pod "+pods.Items[i].Name+": "+why)
		}
	}
	if len(waiting) > 0 {
		return fmt.Errorf("kube-system: %s", few(waiting))
	}
	return nil
}
