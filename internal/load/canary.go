package load

import (
	"fmt"
	"net"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

const (
	canary     = "canary"
	canaryPort = 80
	healthPort = 8080
	readyPort  = 8181
)

// Canary is a workload as people run theirs: two replicas on two nodes, a budget that keeps one of them, a readiness probe, and
// an end that waits until nobody asks any more. Its program is CoreDNS, which every cluster of Slipway has: of it, only the
// answers about its health are used.
type Canary struct {
	Image    string
	Replicas int32
	Anywhere bool     // control planes, too: there are no two workers
	Not      []string // nodes where it must not run
}

func marks() map[string]string {
	return map[string]string{"app.kubernetes.io/managed-by": "slipway", "app.kubernetes.io/part-of": Namespace}
}

func labels() map[string]string { return map[string]string{"app": canary} }

func named() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: canary, Namespace: Namespace, Labels: marks()}
}

func (c Canary) config() *corev1.ConfigMap {
	corefile := fmt.Sprintf(".:5353 {\n    health :%d {\n        lameduck 8s\n    }\n    ready :%d\n}\n", healthPort, readyPort)
	return &corev1.ConfigMap{ObjectMeta: named(), Data: map[string]string{"Corefile": corefile}}
}

func (c Canary) service() *corev1.Service {
	return &corev1.Service{ObjectMeta: named(), Spec: corev1.ServiceSpec{
		Selector: labels(), Ports: []corev1.ServicePort{{Port: canaryPort, TargetPort: intstr.FromInt32(healthPort)}},
	}}
}

func (c Canary) budget() *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: named(), Spec: policyv1.PodDisruptionBudgetSpec{
		MinAvailable: ptr.To(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels()},
	}}
}

func (c Canary) deployment() *appsv1.Deployment {
	pod := corev1.PodSpec{
		AutomountServiceAccountToken: ptr.To(false), TerminationGracePeriodSeconds: ptr.To(int64(20)),
		Containers: []corev1.Container{{
			Name: canary, Image: c.Image, ImagePullPolicy: corev1.PullIfNotPresent,
			Command:      []string{"/usr/local/bin/coredns", "-conf", "/etc/coredns/Corefile"},
			VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/coredns", ReadOnly: true}},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("30Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
			},
			ReadinessProbe: &corev1.Probe{
				PeriodSeconds: 1, FailureThreshold: 3, TimeoutSeconds: 2,
				ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(readyPort)}},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
		Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: canary}},
		}}},
		// Where a node is drained, better two on one than one on none.
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: labels()},
		}},
	}
	if c.Anywhere {
		pod.Tolerations = []corev1.Toleration{{Key: "node-role.kubernetes.io/control-plane", Operator: corev1.TolerationOpExists}}
	}
	if len(c.Not) > 0 {
		pod.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
				Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpNotIn, Values: c.Not,
			}}}},
		}}}
	}
	return &appsv1.Deployment{ObjectMeta: named(), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To(c.Replicas), Selector: &metav1.LabelSelector{MatchLabels: labels()},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels()}, Spec: pod},
	}}
}

// address is where the Service answers on its own address.
func address(s *corev1.Service) string {
	return "http://" + net.JoinHostPort(s.Spec.ClusterIP, fmt.Sprint(canaryPort)) + "/health"
}
