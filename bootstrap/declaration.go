package bootstrap

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/slipway/slipway/components"
	"github.com/slipway/slipway/internal/kube"
	"github.com/slipway/slipway/internal/spec"
)

// declaredIn is the cluster as its API keeps it, with a bundle of this machine. It knows the control planes that joined.
func declaredIn(ctx context.Context, client kubernetes.Interface, bundle string) (*spec.Cluster, error) {
	kept, err := declarationMap(ctx, client)
	if err != nil {
		return nil, err
	}
	return readDraft([]byte(kept.Data[components.DeclarationKey]), bundle)
}

// declarationMap is what the API keeps: the declaration, and what is beside it. The error is apierrors.IsNotFound where no machine can join.
func declarationMap(ctx context.Context, client kubernetes.Interface) (*corev1.ConfigMap, error) {
	kept, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, components.DeclarationName, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the cluster's declaration: %w", err)
	}
	return kept, nil
}

// reread checks c, which was changed, as if it came from a file, and fills it in.
func reread(c *spec.Cluster) (*spec.Cluster, error) { return readDraft(spec.Write(c), c.Bundle) }

// redeclare changes the cluster's declaration in the API, again from the start if somebody else does so at the same time.
func redeclare(ctx context.Context, client kubernetes.Interface, change func(*spec.Cluster) error) error {
	return revise(ctx, client, func(c *spec.Cluster, _ *corev1.ConfigMap) error { return change(c) })
}

// revise is redeclare for what is kept beside the declaration, too.
func revise(ctx context.Context, client kubernetes.Interface, change func(*spec.Cluster, *corev1.ConfigMap) error) error {
	return edit(ctx, client, func(kept *corev1.ConfigMap) error {
		c, err := readDraft([]byte(kept.Data[components.DeclarationKey]), "")
		if err != nil {
			return err
		}
		if err := change(c, kept); err != nil {
			return err
		}
		kept.Data[components.DeclarationKey] = string(spec.Write(c))
		return nil
	})
}

// edit is revise for whoever reads the declaration itself.
func edit(ctx context.Context, client kubernetes.Interface, change func(*corev1.ConfigMap) error) error {
	maps := client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		before, err := maps.Get(ctx, components.DeclarationName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		after := before.DeepCopy()
		if err := change(after); err != nil {
			return err
		}
		if equality.Semantic.DeepEqual(before, after) {
			return nil
		}
		_, err = maps.Update(ctx, after, metav1.UpdateOptions{FieldManager: kube.FieldManager})
		return err
	})
	if err != nil {
		return fmt.Errorf("change the cluster's declaration: %w", err)
	}
	return nil
}

// current takes over from the API's declaration what this run cannot know: on a machine of the cluster all of it, since
// the machine's own file is as old as its last change; beside a file, the control planes that have joined since. It
// reports whether there is a declaration, and whether it says just that.
func (r *Run) current(ctx context.Context, client *kube.Client) (there, same bool, err error) {
	kept, err := declarationMap(ctx, client.Typed)
	if apierrors.IsNotFound(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	text := kept.Data[components.DeclarationKey]
	c, err := readDraft([]byte(text), r.Cluster.Bundle)
	if err != nil {
		return true, false, err
	}
	if r.Here != "" {
		c.StateDir = r.Cluster.StateDir
		r.Cluster = c
		r.change, err = readChange(kept)
		return true, true, err
	}
	if r.Cluster, err = r.withJoined(ctx, client, c); err != nil {
		return true, false, err
	}
	return true, text == string(spec.Write(r.Cluster)), nil
}

// withJoined is the file's cluster with the control planes that have joined since, as the declaration in the API names them.
func (r *Run) withJoined(ctx context.Context, client *kube.Client, declared *spec.Cluster) (*spec.Cluster, error) {
	registered, err := client.NodeNames(ctx)
	if err != nil {
		return nil, err
	}
	whole := *r.Cluster
	whole.Nodes = slices.Clone(r.Cluster.Nodes)
	for _, n := range declared.ControlPlanes() {
		known := slices.ContainsFunc(whole.Nodes, func(o spec.Node) bool { return o.Name == n.Name })
		if !known && registered[n.Name] {
			whole.Nodes = append(whole.Nodes, n)
		}
	}
	return &whole, nil
}

// opening are the objects by which machines join the cluster of in. Its declaration is left out where it is there already and says
// the same, for a machine may be joining.
func opening(in *components.Input, declared bool) ([]*unstructured.Unstructured, error) {
	objects, err := in.Joining()
	if !declared {
		return objects, err
	}
	return slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "ConfigMap" && o.GetName() == components.DeclarationName
	}), err
}
