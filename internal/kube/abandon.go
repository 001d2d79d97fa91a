package kube

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
)

// ErrAtWork is a node that cannot be given up for dead, since its kubelet says that it is Ready.
var ErrAtWork = errors.New("its kubelet is at work")

// Abandon begins to give up a node whose machine is dead: nothing on it will ever answer an eviction. The taint
// lets volumes be detached without the kubelet's word, as
// https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown has it, and
// its pods are deleted at once, so that controllers replace them. A node that is Ready is ErrAtWork and is left alone;
// one that the API does not know is given up already. Idempotent.
func (c *Client) Abandon(ctx context.Context, name string) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		n, err := c.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if NotReady(n) == "" {
			return ErrAtWork
		}
		out := corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute}
		n.Spec.Taints = mergeTaints(n.Spec.Taints, []corev1.Taint{out}, nil)
		n.Spec.Unschedulable = true
		_, err = c.Typed.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{FieldManager: FieldManager})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("give up node %s: %w", name, err)
	}
	_, err = c.DropPods(ctx, name)
	return err
}

// DropPods deletes the node's pods without waiting for its kubelet, and tells how many there were. Pods that
// only wait for somebody's finalizer are not counted. It is for nodes whose machine is dead.
func (c *Client) DropPods(ctx context.Context, name string) (int, error) {
	list, err := c.Typed.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", name).String()})
	if err != nil {
		return 0, fmt.Errorf("list pods of %s: %w", name, err)
	}
	dropped := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, p := range list.Items {
		if p.DeletionTimestamp != nil && len(p.Finalizers) > 0 {
			continue
		}
		dropped++
		g.Go(func() error {
			// Its id, so that a pod which another of that name has replaced elsewhere is left alone.
			err := c.Typed.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0)), Preconditions: metav1.NewUIDPreconditions(string(p.UID))})
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				return fmt.Errorf("delete pod %s/%s: %w", p.Namespace, p.Name, err)
			}
			return nil
		})
	}
	return dropped, g.Wait()
}

// Attached names the volumes that are still attached to the node.
func (c *Client) Attached(ctx context.Context, name string) ([]string, error) {
	list, err := c.Typed.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list volume attachments: %w", err)
	}
	var out []string
	for _, a := range list.Items {
		if a.Spec.NodeName == name {
			out = append(out, ptr.Deref(a.Spec.Source.PersistentVolumeName, a.Name))
		}
	}
	return out, nil
}
