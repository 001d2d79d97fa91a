package load

import (
	"cmp"
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway/slipway/internal/drill"
)

// FollowNodes notes versions of kubelets, and which nodes are Ready and cordoned, until ctx ends.
func FollowNodes(ctx context.Context, a Access, rec *drill.Recorder) error {
	client, err := kept(a)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := followNodes(ctx, client, rec); err == nil {
			continue
		}
		select { // between two API servers: it begins anew, with all nodes
		case <-ctx.Done():
		case <-time.After(retryAfter / 2):
		}
	}
	return nil
}

func followNodes(ctx context.Context, client kubernetes.Interface, rec *drill.Recorder) error {
	within, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	list, err := client.CoreV1().Nodes().List(within, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	for i := range list.Items {
		noteNode(rec, &list.Items[i])
	}
	stream, err := client.CoreV1().Nodes().Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	defer stream.Stop()
	for e := range stream.ResultChan() {
		if n, ok := e.Object.(*corev1.Node); ok && e.Type != watch.Deleted {
			noteNode(rec, n)
		}
	}
	return nil
}

func noteNode(rec *drill.Recorder, n *corev1.Node) {
	rec.Note(drill.Version, n.Name, strings.TrimPrefix(n.Status.NodeInfo.KubeletVersion, "v"))
	cordoned := "no"
	if n.Spec.Unschedulable {
		cordoned = "yes"
	}
	rec.Note(drill.Cordon, n.Name, cordoned)
	for _, c := range n.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		ready := "yes"
		if c.Status != corev1.ConditionTrue {
			ready = cmp.Or(c.Reason, string(c.Status))
		}
		rec.Note(drill.Ready, n.Name, ready)
	}
}
