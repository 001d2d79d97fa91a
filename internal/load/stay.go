package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
)

// ErrGoing is a namespace that is still being emptied: ask again.
var ErrGoing = errors.New("is still being emptied")

// Clear removes the namespace with all that is in it, and is nil once it is gone. A namespace of that name which no drill made is
// left alone.
func Clear(ctx context.Context, client kubernetes.Interface) error {
	ns, err := client.CoreV1().Namespaces().Get(ctx, Namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if ns.Labels["app.kubernetes.io/part-of"] != Namespace {
		return &StrangeError{}
	}
	if ns.DeletionTimestamp == nil {
		if err := client.CoreV1().Namespaces().Delete(ctx, Namespace, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		// Nobody asks the canary any more: it need not wait for those who might.
		now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}
		if err := client.CoreV1().Pods(Namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return fmt.Errorf("namespace %s %w", Namespace, ErrGoing)
}

// StrangeError is a namespace of the drill's name that is somebody's own.
type StrangeError struct{}

func (*StrangeError) Error() string {
	return "the cluster has a namespace " + Namespace + " that no drill made"
}

// Remedy is the way out.
func (*StrangeError) Remedy() string {
	return "a drill puts all that it needs into a namespace of that name, and removes it afterwards: rename yours, or delete it"
}

// Settle creates the namespace with the canary in it, and gives the URL at which its Service answers.
func Settle(ctx context.Context, client kubernetes.Interface, c Canary) (string, error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace, Labels: marks()}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("namespace %s: %w", Namespace, err)
	}
	if _, err := client.CoreV1().ConfigMaps(Namespace).Create(ctx, c.config(), metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("canary: %w", err)
	}
	if _, err := client.AppsV1().Deployments(Namespace).Create(ctx, c.deployment(), metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("canary: %w", err)
	}
	if _, err := client.PolicyV1().PodDisruptionBudgets(Namespace).Create(ctx, c.budget(), metav1.CreateOptions{}); err != nil {
		return "", fmt.Errorf("canary: %w", err)
	}
	service, err := client.CoreV1().Services(Namespace).Create(ctx, c.service(), metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("canary: %w", err)
	}
	return address(service), nil
}

// Running is nil when all replicas of the canary are available.
func Running(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d, err := client.AppsV1().Deployments(Namespace).Get(ctx, canary, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if d.Status.ObservedGeneration < d.Generation || d.Status.AvailableReplicas < *d.Spec.Replicas {
		return fmt.Errorf("%d of %d replicas are available", d.Status.AvailableReplicas, *d.Spec.Replicas)
	}
	return nil
}

// UseImage gives the canary another image, where that is another: nodes that were upgraded have the old one no more.
func UseImage(ctx context.Context, client kubernetes.Interface, image string) error {
	patch := fmt.Appendf(nil, `{"spec":{"template":{"spec":{"containers":[{"name":%q,"image":%q}]}}}}`, canary, image)
	_, err := client.AppsV1().Deployments(Namespace).Patch(ctx, canary, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}
