package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// ConnectAs prepares a client by a kubeconfig file; it does not connect yet.
func ConnectAs(path string) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	config.Timeout, config.UserAgent = 30*time.Second, FieldManager
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	return &Client{Typed: typed, dynamic: dyn, server: config.Host}, nil
}

// Renewed is when the node's kubelet last told that it lives; zero when it never did.
func (c *Client) Renewed(ctx context.Context, node string) (time.Time, error) {
	lease, err := c.Typed.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && lease.Spec.RenewTime == nil {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return lease.Spec.RenewTime.Time, nil
}

// DeleteDaemonSet deletes it with its pods, and is nil once they are gone. An error says what is still there: call again.
func (c *Client) DeleteDaemonSet(ctx context.Context, namespace, name string) error {
	policy := metav1.DeletePropagationForeground
	err := c.Typed.AppsV1().DaemonSets(namespace).Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("DaemonSet %s/%s still has pods", namespace, name)
}

// DeleteConfigMap deletes a ConfigMap that may be gone.
func (c *Client) DeleteConfigMap(ctx context.Context, namespace, name string) error {
	err := c.Typed.CoreV1().ConfigMaps(namespace).Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
