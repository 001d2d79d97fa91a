package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

// evictAgain is how long an eviction that a disruption budget forbids waits for its next try, as kubectl drain does.
const evictAgain = 5 * time.Second

// DrainSelf is Drain with no more rights than the node's own kubelet has: it may evict the pods that are bound to it, and list
// those, but not read DaemonSets, nor a pod that is gone already. Pods of DaemonSets and static pods stay. told hears, at each
// look, which pods are still there. The node must be cordoned.
// https://kubernetes.io/docs/reference/access-authn-authz/node/
func (c *Client) DrainSelf(ctx context.Context, name string, timeout time.Duration, told func(left []string)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var left []string
	var last error
	refused := map[types.UID]error{} // why, as the API said it
	next := map[types.UID]time.Time{}
	err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		var pods []corev1.Pod
		if pods, last = c.drained(ctx, name); last != nil {
			return false, nil // the API may be away for a moment: the time limit ends that
		}
		left = left[:0]
		for _, p := range pods {
			if p.DeletionTimestamp == nil && time.Now().After(next[p.UID]) {
				refused[p.UID], next[p.UID] = c.evict(ctx, &p), time.Now().Add(evictAgain)
			}
			what := p.Namespace + "/" + p.Name
			if why := refused[p.UID]; why != nil {
				what += " (" + why.Error() + ")"
			}
			left = append(left, what)
		}
		if len(left) > 0 {
			told(slices.Clone(left))
		}
		return len(left) == 0, nil
	})
	switch {
	case err == nil:
		return nil
	case len(left) > 0:
		return fmt.Errorf("drain %s: after %s there are still %s", name, timeout, few(left))
	case last != nil:
		return fmt.Errorf("drain %s: %w", name, last)
	}
	return fmt.Errorf("drain %s: %w", name, err)
}

// drained are the pods of the node that a drain takes away.
func (c *Client) drained(ctx context.Context, name string) ([]corev1.Pod, error) {
	pods, err := c.Typed.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", name, err)
	}
	return slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return stays(&p) }), nil
}

// stays reports whether a drain leaves the pod where it is.
func stays(p *corev1.Pod) bool {
	if _, mirror := p.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		return true
	}
	if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return false
	}
	owner := metav1.GetControllerOf(p)
	return owner != nil && owner.Kind == "DaemonSet"
}

func (c *Client) evict(ctx context.Context, p *corev1.Pod) error {
	err := c.Typed.PolicyV1().Evictions(p.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}},
	})
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err): // gone, or another of its name by now
		return nil
	case apierrors.IsTooManyRequests(err):
		return fmt.Errorf("a disruption budget keeps it: %s", strings.TrimSuffix(err.Error(), "."))
	}
	return err
}
