//go:build lab

package test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// servicesAnswer runs three replicas of a server behind a Service and asks them from a pod on each node, by
// ClusterIP and by name, and from each machine by NodePort. The server is HAProxy from the bundle's own image,
// since no other image can be had offline.
func (c *cluster) servicesAnswer(nodes []string) {
	t := c.t
	client, ctx := c.client(), context.Background()
	image := "slipway.local/loadbalancer:" + c.imageTag("loadbalancer")
	labels := map[string]string{"app": "hello"}
	config := "defaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 1s\nfrontend f\n  bind :8080\n  http-request return status 200 content-type text/plain string hello\n"
	pod := corev1.PodSpec{
		Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		Containers: []corev1.Container{{
			Name: "hello", Image: image, ImagePullPolicy: corev1.PullNever,
			Command:        []string{"bash", "-c", "printf '" + strings.ReplaceAll(config, "\n", `\n`) + "' > /tmp/c && exec haproxy -db -f /tmp/c"},
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}},
		}},
		NodeSelector: map[string]string{"node-role.kubernetes.io/control-plane": ""}, // where the image is
	}
	_, err := client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "hello"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service, err := client.CoreV1().Services("default").Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "hello"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, "three replicas", func() error {
		d, err := client.AppsV1().Deployments("default").Get(ctx, "hello", metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas != 3 {
			err = fmt.Errorf("%d ready", d.Status.ReadyReplicas)
		}
		return err
	})
	c.askFromEveryNode(nodes, service)
}

// askFromEveryNode runs a prober pod on each node, whose readiness is that the Service answers by address and by name.
func (c *cluster) askFromEveryNode(nodes []string, service *corev1.Service) {
	t := c.t
	client, ctx := c.client(), context.Background()
	image := "slipway.local/loadbalancer:" + c.imageTag("loadbalancer")
	c.copyImage(image, "cp-1", "w-1", "w-2") // the only one with a shell, and workers have no use for it
	ask := fmt.Sprintf(`for a in %s hello.default.svc.cluster.local; do exec 3<>/dev/tcp/$a/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; [[ $(cat <&3) == *hello* ]] || exit 1; done`, service.Spec.ClusterIP)
	for _, n := range nodes {
		_, err := client.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "ask-" + n},
			Spec: corev1.PodSpec{
				NodeName: n, Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}, TerminationGracePeriodSeconds: ptr.To(int64(0)),
				Containers: []corev1.Container{{
					Name: "ask", Image: image, ImagePullPolicy: corev1.PullNever, Command: []string{"bash", "-c", "sleep 3600"},
					ReadinessProbe: &corev1.Probe{PeriodSeconds: 2, TimeoutSeconds: 5, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"bash", "-c", ask}}}},
				}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		eventually(t, 2*time.Minute, "the Service from a pod on "+n, func() error {
			p, err := client.CoreV1().Pods("default").Get(ctx, "ask-"+n, metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, cond := range p.Status.Conditions {
				if cond.Type == corev1.PodReady && cond.Status == corev1.ConditionTrue {
					return nil
				}
			}
			return fmt.Errorf("pod is %s: %v", p.Status.Phase, p.Status.Conditions)
		})
		port := service.Spec.Ports[0].NodePort
		out := c.exec("w-1", "curl", "-s", "--max-time", "5", "--retry", "5", "--retry-all-errors", fmt.Sprintf("http://%s:%d/", c.address(n), port))
		if !strings.Contains(out, "hello") {
			t.Errorf("NodePort on %s answers %q", n, out)
		}
	}
}

// copyImage takes an image from one machine's containerd to others'.
func (c *cluster) copyImage(image, from string, to ...string) {
	c.t.Helper()
	for _, m := range to {
		lab := c.binary + " lab exec --name " + c.name + " --dir " + c.labDir()
		// By way of a file: ctr may exit before its standard output is written to the end.
		script := fmt.Sprintf("set -o pipefail; %s %s sh -c 'ctr -n k8s.io images export --local /tmp/image.tar %s >&2 && cat /tmp/image.tar' | %s %s ctr -n k8s.io images import -", lab, from, image, lab, m)
		if out, err := exec.Command("bash", "-c", script).CombinedOutput(); err != nil {
			c.t.Fatalf("copy %s to %s: %v\n%s", image, m, err, out)
		}
	}
}

// address is the machine's, from its name in highlyAvailableMachines.
func (c *cluster) address(machine string) string {
	for _, m := range highlyAvailableMachines() {
		if name, last, _ := strings.Cut(m, "="); name == machine {
			return c.net + "." + last
		}
	}
	c.t.Fatalf("no machine %s", machine)
	return ""
}

// imageTag is the tag of the bundle's image on the machines.
func (c *cluster) imageTag(image string) string {
	c.t.Helper()
	out := c.exec("cp-1", "sh", "-c", "ctr -n k8s.io images ls -q | grep slipway.local/"+image+":")
	_, tag, ok := strings.Cut(strings.TrimSpace(strings.SplitN(out, "\n", 2)[0]), ":")
	if !ok {
		c.t.Fatalf("image %s: %q", image, out)
	}
	return tag
}
