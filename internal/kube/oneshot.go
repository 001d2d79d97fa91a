package kube

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// HostMount is where a one-shot pod sees the machine's root.
const HostMount = "/host"

// OneShot is a command that runs once on one node, as root of the machine.
type OneShot struct {
	Name    string // of its pod
	Node    string
	Image   string // that the node has; nothing of it is used
	Command []string
	Env     map[string]string // no secrets: whoever may read pods reads it
}

// ErrRunning is a command that has not ended yet.
var ErrRunning = errors.New("it has not ended")

// StartOneShot starts it anew, in the place of one that was left behind.
func (c *Client) StartOneShot(ctx context.Context, o OneShot) error {
	pods := c.Typed.CoreV1().Pods(metav1.NamespaceSystem)
	if err := c.DropOneShot(ctx, o.Name); err != nil {
		return err
	}
	if _, err := pods.Create(ctx, o.pod(), metav1.CreateOptions{FieldManager: FieldManager}); err != nil {
		return fmt.Errorf("start pod %s: %w", o.Name, err)
	}
	return nil
}

// DropOneShot deletes its pod, if there is one.
func (c *Client) DropOneShot(ctx context.Context, name string) error {
	err := c.Typed.CoreV1().Pods(metav1.NamespaceSystem).Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete pod %s: %w", name, err)
	}
	return nil
}

// OneShotSaid is what the command left as its last word, once it has succeeded; ErrRunning until it has ended, and
// what it said as an error if it failed.
func (c *Client) OneShotSaid(ctx context.Context, name string) (said string, err error) {
	p, err := c.Typed.CoreV1().Pods(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("pod %s: %w", name, err)
	}
	why := string(p.Status.Phase)
	for _, s := range p.Status.ContainerStatuses {
		switch t := s.State.Terminated; {
		case t != nil && t.ExitCode == 0:
			return t.Message, nil
		case t != nil:
			return "", fmt.Errorf("pod %s failed: %s %s", name, t.Reason, t.Message)
		case s.State.Waiting != nil:
			why = s.State.Waiting.Reason + " " + s.State.Waiting.Message
		}
	}
	if p.Status.Phase == corev1.PodFailed {
		return "", fmt.Errorf("pod %s failed: %s %s", name, p.Status.Reason, p.Status.Message)
	}
	return "", fmt.Errorf("pod %s on %s: %w: %s", name, p.Spec.NodeName, ErrRunning, why)
}

func (o OneShot) pod() *corev1.Pod {
	container := corev1.Container{
		Name: "once", Image: o.Image, ImagePullPolicy: corev1.PullNever, Command: o.Command,
		SecurityContext:          &corev1.SecurityContext{Privileged: ptr.To(true), RunAsUser: ptr.To(int64(0))},
		VolumeMounts:             []corev1.VolumeMount{{Name: "host", MountPath: HostMount}},
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	for k, v := range o.Env {
		container.Env = append(container.Env, corev1.EnvVar{Name: k, Value: v})
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: o.Name, Namespace: metav1.NamespaceSystem, Labels: map[string]string{"app.kubernetes.io/managed-by": FieldManager}},
		Spec: corev1.PodSpec{
			NodeName: o.Node, HostPID: true, HostNetwork: true, RestartPolicy: corev1.RestartPolicyNever,
			PriorityClassName: "system-node-critical", AutomountServiceAccountToken: ptr.To(false), ActiveDeadlineSeconds: ptr.To(int64(300)),
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers:  []corev1.Container{container},
			Volumes:     []corev1.Volume{{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}},
		},
	}
}

// Mirrored is nil when the static pod of the node runs as its manifest with that annotation says, and is ready.
func (c *Client) Mirrored(ctx context.Context, name, node, annotation, value string) error {
	p, err := c.Typed.CoreV1().Pods(metav1.NamespaceSystem).Get(ctx, name+"-"+node, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("static pod %s: %w", name, err)
	}
	if p.Annotations[annotation] != value {
		return fmt.Errorf("static pod %s on %s is not restarted yet", name, node)
	}
	for _, cond := range p.Status.Conditions {
		if cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("static pod %s on %s is not ready", name, node)
}
