package kube

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/drain"
)

// Drain cordons the node and evicts its pods, respecting disruption budgets, within timeout.
// A node that the API does not know is already drained.
func (c *Client) Drain(ctx context.Context, name string, timeout time.Duration) error {
	n, err := c.Typed.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drain %s: %w", name, err)
	}
	var complaints bytes.Buffer
	helper := &drain.Helper{
		Ctx: ctx, Client: c.Typed, Timeout: timeout, GracePeriodSeconds: -1,
		Force: true, IgnoreAllDaemonSets: true, DeleteEmptyDirData: true,
		Out: &complaints, ErrOut: &complaints,
	}
	if err := drain.RunCordonOrUncordon(helper, n, true); err != nil {
		return fmt.Errorf("cordon %s: %w", name, err)
	}
	if err := drain.RunNodeDrain(helper, name); err != nil {
		return fmt.Errorf("drain %s: %w: %s", name, err, lastLine(complaints.String()))
	}
	return nil
}

// DeleteNode removes the node's object. One that is gone already is fine.
func (c *Client) DeleteNode(ctx context.Context, name string) error {
	err := c.Typed.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete node %s: %w", name, err)
	}
	return nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
