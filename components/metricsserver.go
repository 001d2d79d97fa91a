package components

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// metricsServer answers "kubectl top" and the autoscalers.
func (in *Input) metricsServer() ([]runtime.Object, error) {
	const name = "metrics-server"
	labels := map[string]string{"k8s-app": name}
	return []runtime.Object{
		serviceAccount(name),
		clusterRole("system:metrics-server",
			rule("", []string{"nodes/metrics"}, "get"),
			rule("", []string{"pods", "nodes"}, "get", "list", "watch"),
		),
		bind("system:metrics-server", "system:metrics-server", account(name)),
		bind("metrics-server:system:auth-delegator", "system:auth-delegator", account(name)),
		&rbacv1.RoleBinding{
			TypeMeta:   typeMeta("rbac.authorization.k8s.io/v1", "RoleBinding"),
			ObjectMeta: meta(metav1.NamespaceSystem, "metrics-server-auth-reader", nil),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "extension-apiserver-authentication-reader"},
			Subjects:   []rbacv1.Subject{account(name)},
		},
		&corev1.Service{
			TypeMeta: typeMeta("v1", "Service"), ObjectMeta: meta(metav1.NamespaceSystem, name, labels),
			Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{
				Name: "https", Port: 443, Protocol: "TCP", TargetPort: intstr.FromInt32(10250),
			}}},
		},
		in.addon(name, labels, in.metricsServerPod(), nil, 1),
		metricsAPI(name),
	}, nil
}

func (in *Input) metricsServerPod() corev1.PodSpec {
	ready := probe(httpGet(corev1.URISchemeHTTPS, "", 10250, "/readyz"), 2, 3)
	alive := probe(httpGet(corev1.URISchemeHTTPS, "", 10250, "/livez"), 10, 5)
	return corev1.PodSpec{
		ServiceAccountName: "metrics-server",
		Containers: []corev1.Container{{
			Name: "metrics-server", Image: in.ref("metrics-server"), ImagePullPolicy: corev1.PullNever,
			Command: []string{
				"/usr/local/bin/metrics-server", "--secure-port=10250", "--cert-dir=/tmp", "--metric-resolution=10s",
				"--kubelet-request-timeout=5s", // it insists on less than the resolution
				"--kubelet-preferred-address-types=InternalIP",
				// The kubelets' serving certificates are signed by the cluster's CA, so they are checked.
				"--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
			},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("100Mi"),
			}},
			ReadinessProbe: ready, LivenessProbe: alive,
			VolumeMounts: []corev1.VolumeMount{{Name: "tmp", MountPath: "/tmp"}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(int64(1000)),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
		Volumes: []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
}

// metricsAPI is written as a map: the typed form lives in a module that would be needed for nothing else.
func metricsAPI(service string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
		"metadata": map[string]any{"name": "v1beta1.metrics.k8s.io"},
		"spec": map[string]any{
			"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			"service": map[string]any{"name": service, "namespace": metav1.NamespaceSystem},
			// Its serving certificate is of its own making; the path from the API server to the pod is the pod network.
			"insecureSkipTLSVerify": true,
		},
	}}
}
