package main

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// podCIDRPoll is short since the node's first pods wait for it, and since one small read by name
// costs the API server little.
const podCIDRPoll = 250 * time.Millisecond

// awaitPodCIDR blocks until the controller manager has given the node its pod range. There is no
// time limit: the API server, the Node object and the controller manager may each come up later than
// this pod, and starting over would not hurry them. Each new reason for waiting is logged once.
func awaitPodCIDR(ctx context.Context, client kubernetes.Interface, node string) error {
	ticker := time.NewTicker(podCIDRPoll)
	defer ticker.Stop()
	logged := ""
	for {
		reason := ""
		n, err := client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{ResourceVersion: "0"})
		switch {
		case err != nil:
			reason = err.Error()
		case n.Spec.PodCIDR != "":
			return nil
		default:
			reason = "the controller manager has not assigned one yet"
		}
		if reason != logged {
			klog.Infof("waiting for the pod range of node %s: %s", node, reason)
			logged = reason
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
