//go:build lab || torture || bench || vm

package test

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeconfig writes the administrator's kubeconfig and returns its path.
func (c *cluster) kubeconfig() string {
	c.t.Helper()
	path := filepath.Join(c.dir, "kubeconfig")
	c.must("kubeconfig", "-f", filepath.Join(c.dir, "cluster.hcl"), "--out", path)
	return path
}

// config is a client configuration that makes a fresh connection for every request, as new clients would.
func (c *cluster) config() *rest.Config {
	c.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig())
	if err != nil {
		c.t.Fatal(err)
	}
	config.Timeout = 2 * time.Second
	config.QPS, config.Burst = 100, 100
	return config
}

// allReady is nil when exactly these nodes are Ready and every pod of kube-system runs.
func allReady(client kubernetes.Interface, nodes ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := map[string]bool{}
	for _, n := range list.Items {
		for _, cond := range n.Status.Conditions {
			if cond.Type == corev1.NodeReady {
				ready[n.Name] = cond.Status == corev1.ConditionTrue
			}
		}
	}
	for _, name := range nodes {
		if !ready[name] {
			return fmt.Errorf("%s is not Ready", name)
		}
	}
	if len(ready) != len(nodes) {
		return fmt.Errorf("%d nodes, want %d", len(ready), len(nodes))
	}
	return podsRun(ctx, client)
}

func podsRun(ctx context.Context, client kubernetes.Interface) error {
	pods, err := client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("pod %s is %s", p.Name, p.Status.Phase)
		}
		for _, s := range p.Status.ContainerStatuses {
			if !s.Ready {
				return fmt.Errorf("container %s of pod %s is not ready", s.Name, p.Name)
			}
		}
	}
	return nil
}
