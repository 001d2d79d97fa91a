package components

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// Objects is everything that the cluster's API must hold for the cluster to work, in the order of creation.
func (in *Input) Objects() ([]*unstructured.Unstructured, error) {
	var typed []runtime.Object
	for _, part := range []func() ([]runtime.Object, error){
		in.access, in.kubeProxy, in.network, in.coredns, in.metricsServer,
	} {
		objects, err := part()
		if err != nil {
			return nil, err
		}
		typed = append(typed, objects...)
	}
	return allUnstructured(typed)
}

func allUnstructured(typed []runtime.Object) ([]*unstructured.Unstructured, error) {
	out := make([]*unstructured.Unstructured, 0, len(typed))
	for _, o := range typed {
		u, err := Unstructured(o)
		if err != nil {
			return nil, fmt.Errorf("%T: %w", o, err)
		}
		out = append(out, u)
	}
	return out, nil
}

// KubeletClientBinding is the ClusterRoleBinding that lets API servers speak with kubelets.
const KubeletClientBinding = "slipway:apiserver-kubelet-client"

// access binds the identities in Slipway's certificates to their roles.
func (in *Input) access() ([]runtime.Object, error) {
	return []runtime.Object{
		bind("kubeadm:cluster-admins", "cluster-admin", rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "kubeadm:cluster-admins"}),
		bind(KubeletClientBinding, "system:kubelet-api-admin",
			rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "User", Name: "kube-apiserver-kubelet-client"}),
	}, nil
}

func meta(namespace, name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}
}

func bind(name, role string, subjects ...rbacv1.Subject) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		TypeMeta: typeMeta("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"), ObjectMeta: meta("", name, nil),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects: subjects,
	}
}

func clusterRole(name string, rules ...rbacv1.PolicyRule) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{
		TypeMeta: typeMeta("rbac.authorization.k8s.io/v1", "ClusterRole"), ObjectMeta: meta("", name, nil), Rules: rules,
	}
}

func rule(group string, resources []string, verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs}
}

func serviceAccount(name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{TypeMeta: typeMeta("v1", "ServiceAccount"), ObjectMeta: meta(metav1.NamespaceSystem, name, nil)}
}

func account(name string) rbacv1.Subject {
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: metav1.NamespaceSystem, Name: name}
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: typeMeta("v1", "ConfigMap"), ObjectMeta: meta(metav1.NamespaceSystem, name, nil), Data: data}
}

// daemonSet runs pod on every node, whatever its taints: these are what makes a node work at all.
func daemonSet(name string, labels map[string]string, pod corev1.PodSpec, annotations map[string]string) *appsv1.DaemonSet {
	pod.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	pod.PriorityClassName = "system-node-critical"
	pod.HostNetwork = true
	pod.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	return &appsv1.DaemonSet{
		TypeMeta: typeMeta("apps/v1", "DaemonSet"), ObjectMeta: meta(metav1.NamespaceSystem, name, labels),
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type:          appsv1.RollingUpdateDaemonSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: ptr.To(intstr.FromInt32(1))},
			},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations}, Spec: pod},
		},
	}
}

// requests is what a pod counts for where the scheduler adds up a node. There is no limit: what makes a node work must
// not be the first that is killed.
func requests(cpu, memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
	}}
}

// hostPath is a volume of the machine; write it or look at it is the mount's matter.
func hostPath(name, path string, kind corev1.HostPathType) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path, Type: &kind}}}
}

func configVolume(name, configMap string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: configMap},
	}}}
}

func fieldEnv(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}}
}
