package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodesReady is nil when every named node is registered and Ready.
func (c *Client) NodesReady(ctx context.Context, names []string) error {
	list, err := c.Typed.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	state := map[string]string{}
	for _, n := range list.Items {
		state[n.Name] = NotReady(&n)
	}
	var waiting []string
	for _, name := range names {
		why, registered := state[name]
		if !registered {
			why = "not registered"
		}
		if why != "" {
			waiting = append(waiting, name+": "+why)
		}
	}
	if len(waiting) > 0 {
		slices.Sort(waiting)
		return fmt.Errorf("%d of %d nodes Ready; %s", len(names)-len(waiting), len(names), few(waiting))
	}
	return nil
}

// NotReady says why n is not Ready; "" when it is.
func NotReady(n *corev1.Node) string {
	for _, cond := range n.Status.Conditions {
		if cond.Type == corev1.NodeReady {
			if cond.Status == corev1.ConditionTrue {
				return ""
			}
			return cmp.Or(cond.Message, cond.Reason, "Ready is "+string(cond.Status)) // "" would mean ready
		}
	}
	return "no Ready condition yet"
}

// SystemReady is nil when everything in kube-system that should run does: every DaemonSet and
// Deployment at its current version, and no pod in trouble. Static pods that the API does not know of yet are
// not waited for: a kubelet that started before its API server tells of them up to a minute later. Pods that a
// controller has replaced or will replace, such as evicted ones, are no trouble: what counts is that it has as many as it wants.
func (c *Client) SystemReady(ctx context.Context) error {
	pods, err := c.Typed.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	waiting := podsInTrouble(pods.Items) // pods first: they say why
	daemons, err := c.Typed.AppsV1().DaemonSets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	for _, d := range daemons.Items {
		if !daemonReady(&d) {
			waiting = append(waiting, fmt.Sprintf("DaemonSet %s: %d of %d ready", d.Name, d.Status.NumberReady, d.Status.DesiredNumberScheduled))
		}
	}
	deployments, err := c.Typed.AppsV1().Deployments(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	for _, d := range deployments.Items {
		if want := *d.Spec.Replicas; d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < want || d.Status.ReadyReplicas < want {
			waiting = append(waiting, fmt.Sprintf("Deployment %s: %d of %d ready", d.Name, d.Status.ReadyReplicas, want))
		}
	}
	if len(waiting) > 0 {
		return fmt.Errorf("kube-system: %s", few(waiting))
	}
	return nil
}

// SystemReadyOn is SystemReady as far as the pods of one node go, for when nobody knows whether the other nodes are still there.
func (c *Client) SystemReadyOn(ctx context.Context, node string) error {
	pods, err := c.Typed.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(pods.Items, func(p corev1.Pod) bool { return p.Spec.NodeName != node })
	if waiting := podsInTrouble(own); len(waiting) > 0 {
		return fmt.Errorf("kube-system: %s", few(waiting))
	}
	return nil
}

// podsInTrouble are those that do not serve yet, with why.
func podsInTrouble(pods []corev1.Pod) (waiting []string) {
	for _, p := range pods {
		if why := podTrouble(&p); why != "" {
			waiting = append(waiting, "pod "+p.Name+": "+why)
		}
	}
	return waiting
}

func daemonReady(d *appsv1.DaemonSet) bool {
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.DesiredNumberScheduled > 0 &&
		s.UpdatedNumberScheduled >= s.DesiredNumberScheduled && s.NumberReady >= s.DesiredNumberScheduled
}

// podTrouble says why a pod does not serve yet; "" when it does or is on its way out.
func podTrouble(p *corev1.Pod) string {
	if p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || replaced(p) {
		return ""
	}
	for _, s := range p.Status.ContainerStatuses {
		if s.State.Waiting != nil {
			return strings.TrimSpace(s.State.Waiting.Reason + " " + s.State.Waiting.Message)
		}
	}
	for _, cond := range p.Status.Conditions {
		switch {
		case cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue:
			return ""
		case cond.Type == corev1.PodScheduled && cond.Status == corev1.ConditionFalse:
			return "not scheduled: " + cond.Message
		}
	}
	return "not ready"
}

// replaced reports whether a controller answers for p: a Job for what becomes of its pods, and those whose pods
// SystemReady counts for a failed one, which stays until it is collected, long after another took its place.
func replaced(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	if owner == nil {
		return false
	}
	switch owner.Kind {
	case "Job":
		return true
	case "ReplicaSet", "DaemonSet":
		return p.Status.Phase == corev1.PodFailed
	}
	return false // a static pod's owner is its Node, which nothing counts
}

// few names three reasons and counts the rest: a reader looks for the first thing to do, not for all.
func few(reasons []string) string {
	if len(reasons) > 3 {
		reasons = append(slices.Clone(reasons[:3]), fmt.Sprintf("and %d more", len(reasons)-3))
	}
	return strings.Join(reasons, "; ")
}
