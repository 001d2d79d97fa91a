package components

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/templates"
)

// coredns answers the cluster's names: two replicas on two nodes, or one on a cluster of one node.
func (in *Input) coredns() ([]runtime.Object, error) {
	corefile, err := templates.Render("Corefile", map[string]any{"Domain": in.Cluster.Network.DNS, "Forward": in.canForward()})
	if err != nil {
		return nil, err
	}
	data := map[string]string{"Corefile": string(corefile)}
	return []runtime.Object{
		serviceAccount("coredns"),
		clusterRole("system:coredns",
			rule("", []string{"endpoints", "services", "pods", "namespaces"}, "list", "watch"),
			rule("discovery.k8s.io", []string{"endpointslices"}, "list", "watch"),
		),
		bind("system:coredns", "system:coredns", account("coredns")),
		configMap("coredns", data),
		in.dnsService(),
		in.corednsDeployment(data),
		corednsBudget(),
	}, nil
}

// corednsBudget lets drains take one replica at a time. It says how many may be away rather than how many must stay: a
// single replica could else never be moved.
func corednsBudget() *policyv1.PodDisruptionBudget {
	labels := map[string]string{"k8s-app": "kube-dns"}
	return &policyv1.PodDisruptionBudget{
		TypeMeta: typeMeta("policy/v1", "PodDisruptionBudget"), ObjectMeta: meta(metav1.NamespaceSystem, "coredns", labels),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: ptr.To(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			// A replica that does not run serves nobody, and must not hold up a drain.
			UnhealthyPodEvictionPolicy: ptr.To(policyv1.AlwaysAllow),
		},
	}
}

// canForward reports whether every machine knows a resolver. CoreDNS dies of a forward plugin
// without upstreams, and its pods may land on any machine.
func (in *Input) canForward() bool {
	for _, n := range in.Cluster.Nodes {
		if n.Role != spec.LoadBalancer && len(in.Facts[n.Name].Resolvers) == 0 {
			return false
		}
	}
	return true
}

func (in *Input) dnsService() *corev1.Service {
	labels := map[string]string{"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
	port := func(name string, port int32, protocol corev1.Protocol) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Port: port, Protocol: protocol, TargetPort: intstr.FromInt32(port)}
	}
	return &corev1.Service{
		TypeMeta: typeMeta("v1", "Service"), ObjectMeta: meta(metav1.NamespaceSystem, "kube-dns", labels),
		Spec: corev1.ServiceSpec{
			ClusterIP: in.DNSAddress().String(),
			Selector:  map[string]string{"k8s-app": "kube-dns"},
			Ports:     []corev1.ServicePort{port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("metrics", 9153, "TCP")},
		},
	}
}

func (in *Input) corednsDeployment(data map[string]string) *appsv1.Deployment {
	labels := map[string]string{"k8s-app": "kube-dns"}
	pod := corev1.PodSpec{
		ServiceAccountName: "coredns", DNSPolicy: corev1.DNSDefault,
		Containers: []corev1.Container{{
			Name: "coredns", Image: in.ref("coredns"), ImagePullPolicy: corev1.PullNever,
			Command: []string{"/usr/local/bin/coredns", "-conf", "/etc/coredns/Corefile"},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("70Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("170Mi")},
			},
			VolumeMounts:   []corev1.VolumeMount{{Name: "config", MountPath: "/etc/coredns", ReadOnly: true}},
			LivenessProbe:  podProbe("/health", 8080, 10, 5),
			ReadinessProbe: podProbe("/ready", 8181, 1, 3),
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
				Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_BIND_SERVICE"}, Drop: []corev1.Capability{"ALL"}},
			},
		}},
		Volumes: []corev1.Volume{configVolume("config", "coredns")},
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				LabelSelector: &metav1.LabelSelector{MatchLabels: labels}, TopologyKey: "kubernetes.io/hostname",
			}},
		}},
	}
	return in.addon("coredns", labels, pod, data, max(1, min(2, in.addonNodes())))
}

// addon is a Deployment of the cluster's own, allowed on control planes. During an update one replica
// goes before its successor comes: with one replica per node there is no room for a third.
func (in *Input) addon(name string, labels map[string]string, pod corev1.PodSpec, data map[string]string, replicas int) *appsv1.Deployment {
	pod.PriorityClassName = "system-cluster-critical"
	pod.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	pod.Tolerations = addonTolerations()
	return &appsv1.Deployment{
		TypeMeta: typeMeta("apps/v1", "Deployment"), ObjectMeta: meta(metav1.NamespaceSystem, name, labels),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{
				MaxUnavailable: ptr.To(intstr.FromInt32(1)), MaxSurge: ptr.To(intstr.FromInt32(0)),
			}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: in.inputsOf(name, data)}, Spec: pod},
		},
	}
}

func addonTolerations() []corev1.Toleration {
	return []corev1.Toleration{
		{Key: "CriticalAddonsOnly", Operator: corev1.TolerationOpExists},
		{Key: "node-role.kubernetes.io/control-plane", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule},
	}
}

// addonNodes counts the nodes that addons may run on. A replica more than that would stay pending, and the
// cluster would never be whole.
func (in *Input) addonNodes() int {
	count := 0
	for _, n := range in.Cluster.Nodes {
		if n.Role != spec.LoadBalancer && !slices.ContainsFunc(in.Taints(n), keepsAddonsOff) {
			count++
		}
	}
	return count
}

func keepsAddonsOff(t corev1.Taint) bool {
	return t.Effect != corev1.TaintEffectPreferNoSchedule && !slices.ContainsFunc(addonTolerations(), func(a corev1.Toleration) bool {
		return a.Key == t.Key && (a.Effect == "" || a.Effect == t.Effect)
	})
}

func podProbe(path string, port int, period, failures int32) *corev1.Probe {
	p := probe(httpGet(corev1.URISchemeHTTP, "", port, path), period, failures)
	p.TimeoutSeconds = 5
	return p
}
