package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// NodeWish is what the spec says of a node's object in the API. Labels and taints that others
// set are left alone; those that Slipway set and no longer wants are listed in its annotation and removed.
type NodeWish struct {
	Name   string
	Labels map[string]string
	Taints []corev1.Taint
}

// ownedAnnotation remembers which labels and taints are Slipway's, so that they can be taken back.
const ownedAnnotation = "slipway.dev/owned"

type owned struct {
	Labels []string `json:"labels,omitempty"`
	Taints []string `json:"taints,omitempty"` // key:effect
}

// DiffNode tells what SetNode would change; nil where nothing, also while the node is not registered yet.
func (c *Client) DiffNode(ctx context.Context, w NodeWish) (*Change, error) {
	live, err := c.Typed.CoreV1().Nodes().Get(ctx, w.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read node %s: %w", w.Name, err)
	}
	want := w.onto(live)
	if equality.Semantic.DeepEqual(live, want) {
		return nil, nil
	}
	before, after := nodeText(live), nodeText(want)
	return &Change{ID: "Node " + w.Name, Before: before, After: after}, nil
}

// SetNode gives the node's object its labels and taints. Idempotent; a node that is not registered is an error.
func (c *Client) SetNode(ctx context.Context, w NodeWish) error {
	live, err := c.Typed.CoreV1().Nodes().Get(ctx, w.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read node %s: %w", w.Name, err)
	}
	want := w.onto(live)
	if equality.Semantic.DeepEqual(live, want) {
		return nil
	}
	// With the resource version in it the patch is refused when someone else wrote meanwhile.
	patch := map[string]any{
		"metadata": map[string]any{"resourceVersion": live.ResourceVersion, "annotations": want.Annotations, "labels": nulled(live.Labels, want.Labels)},
		"spec":     map[string]any{"taints": want.Spec.Taints},
	}
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = c.Typed.CoreV1().Nodes().Patch(ctx, w.Name, types.MergePatchType, text, metav1.PatchOptions{FieldManager: FieldManager})
	if err != nil {
		return fmt.Errorf("label node %s: %w", w.Name, err)
	}
	return nil
}

// nulled is after, with null for each key that only before has: what a merge patch takes as deletion.
func nulled(before, after map[string]string) map[string]any {
	out := map[string]any{}
	for k := range before {
		out[k] = nil
	}
	for k, v := range after {
		out[k] = v
	}
	return out
}

// onto is live with the wish on it.
func (w NodeWish) onto(live *corev1.Node) *corev1.Node {
	n := live.DeepCopy()
	var before, now owned
	// What cannot be read is not ours: nothing is then taken back.
	_ = json.Unmarshal([]byte(n.Annotations[ownedAnnotation]), &before)
	n.Labels = maps.Clone(n.Labels)
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	for _, k := range before.Labels {
		delete(n.Labels, k)
	}
	maps.Copy(n.Labels, w.Labels)
	now.Labels = slices.Sorted(maps.Keys(w.Labels))
	for _, t := range w.Taints {
		now.Taints = append(now.Taints, taintID(t))
	}
	n.Spec.Taints = mergeTaints(n.Spec.Taints, w.Taints, before.Taints)
	if n.Annotations == nil {
		n.Annotations = map[string]string{}
	}
	text, _ := json.Marshal(now) // of two string slices: cannot fail
	n.Annotations[ownedAnnotation] = string(text)
	return n
}

// mergeTaints keeps others' taints and their order, so that order alone is no change; of those that were
// ours, only the wished ones stay.
func mergeTaints(live, wished []corev1.Taint, ours []string) []corev1.Taint {
	pending := map[string]corev1.Taint{}
	for _, t := range wished {
		pending[taintID(t)] = t
	}
	var out []corev1.Taint
	for _, t := range live {
		id := taintID(t)
		if wish, ok := pending[id]; ok {
			wish.TimeAdded = t.TimeAdded
			out = append(out, wish)
			delete(pending, id)
		} else if !slices.Contains(ours, id) {
			out = append(out, t)
		}
	}
	for _, t := range wished {
		if wish, ok := pending[taintID(t)]; ok {
			out = append(out, wish)
		}
	}
	return out
}

func taintID(t corev1.Taint) string { return t.Key + ":" + string(t.Effect) }

func nodeText(n *corev1.Node) string {
	text, _ := yaml.Marshal(map[string]any{"labels": n.Labels, "taints": n.Spec.Taints}) // plain values: cannot fail
	return string(text)
}
