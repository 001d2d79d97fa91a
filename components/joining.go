package components

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	bootstrapapi "k8s.io/cluster-bootstrap/token/api"
	"k8s.io/utils/ptr"

	"github.com/slipway/slipway/internal/spec"
)

// Names by which joining machines find what they need.
const (
	// JoinersGroup is the group of bootstrap tokens that let machines join: kubeadm's, so that its tokens do as well.
	JoinersGroup = "system:bootstrappers:kubeadm:default-node-token"
	// DeclarationName is the ConfigMap in kube-system that holds the cluster's declaration under DeclarationKey.
	DeclarationName = "slipway"
	DeclarationKey  = "cluster.hcl"
	// CertificatesName is the Secret in kube-system that holds the sealed authorities, for two hours, for control planes.
	CertificatesName = "slipway-certs"
	// TurnName is the Lease in kube-system whose holder joins as a control plane, or leaves: one at a time.
	TurnName = "slipway-join"
)

// Joining is what the API must hold for machines to join by themselves, beside a token: the declaration of the
// cluster, what a joining machine may do, and who approves its certificates. It follows kubeadm's bootstraptoken
// and clusterinfo phases, by the same names. Until it is applied, nobody can join whatever token he has.
func (in *Input) Joining() ([]*unstructured.Unstructured, error) {
	info, err := in.clusterInfo()
	if err != nil {
		return nil, err
	}
	joiners := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "Group", Name: JoinersGroup}
	members := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "Group", Name: "system:nodes"}
	anonymous := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "User", Name: "system:anonymous"}
	typed := []runtime.Object{
		info,
		configMap(DeclarationName, map[string]string{DeclarationKey: string(spec.Write(in.Cluster))}),
		bind("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", joiners),
		bind("kubeadm:node-autoapprove-bootstrap", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", joiners),
		bind("kubeadm:node-autoapprove-certificate-rotation", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", members),
		// Whether a name is taken.
		clusterRole("kubeadm:get-nodes", rule("", []string{"nodes"}, "get")),
		bind("kubeadm:get-nodes", "kubeadm:get-nodes", joiners),
		// Of a kubelet's rights, the admission plugin NodeRestriction leaves it those on its own Node: so it can leave.
		clusterRole("slipway:leave", rule("", []string{"nodes"}, "delete")),
		bind("slipway:leave", "slipway:leave", members),
	}
	typed = append(typed, readable(metav1.NamespacePublic, "kubeadm:bootstrap-signer-clusterinfo", "configmaps", bootstrapapi.ConfigMapClusterInfo, anonymous)...)
	typed = append(typed, readable(metav1.NamespaceSystem, "slipway:declaration", "configmaps", DeclarationName, joiners, members)...)
	typed = append(typed, readable(metav1.NamespaceSystem, "slipway:certificates", "secrets", CertificatesName, joiners)...)
	return allUnstructured(append(typed, in.approver()...))
}

// clusterInfo is where the API is and whose certificate it has, for those who know neither yet. The controller
// manager signs it with every token there is.
func (in *Input) clusterInfo() (*corev1.ConfigMap, error) {
	text, err := clientcmd.Write(clientcmdapi.Config{Clusters: map[string]*clientcmdapi.Cluster{
		"": {Server: in.AdminServer(), CertificateAuthorityData: in.caFile().File.Content},
	}})
	if err != nil {
		return nil, fmt.Errorf("cluster-info: %w", err)
	}
	info := configMap(bootstrapapi.ConfigMapClusterInfo, map[string]string{bootstrapapi.KubeConfigKey: string(text)})
	info.Namespace = metav1.NamespacePublic
	return info, nil
}

// readable lets subjects read the one object of that kind.
func readable(namespace, name, kind, object string, subjects ...rbacv1.Subject) []runtime.Object {
	read := rule("", []string{kind}, "get")
	read.ResourceNames = []string{object}
	return []runtime.Object{
		&rbacv1.Role{TypeMeta: typeMeta("rbac.authorization.k8s.io/v1", "Role"), ObjectMeta: meta(namespace, name, nil), Rules: []rbacv1.PolicyRule{read}},
		&rbacv1.RoleBinding{
			TypeMeta: typeMeta("rbac.authorization.k8s.io/v1", "RoleBinding"), ObjectMeta: meta(namespace, name, nil),
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name}, Subjects: subjects,
		},
	}
}

// approver approves the serving certificates that joined kubelets ask for. It runs from the image that every
// control plane has.
func (in *Input) approver() []runtime.Object {
	const name = "kubelet-approver"
	labels := map[string]string{"k8s-app": name}
	approve := rbacv1.PolicyRule{APIGroups: []string{"certificates.k8s.io"}, Resources: []string{"signers"}, ResourceNames: []string{"kubernetes.io/kubelet-serving"}, Verbs: []string{"approve"}}
	pod := corev1.PodSpec{
		ServiceAccountName: name,
		Containers: []corev1.Container{{
			Name: name, Image: in.ref("kube"), ImagePullPolicy: corev1.PullNever,
			Command: []string{"/usr/local/bin/kube", name, "--reserved=" + strings.Join(in.reserved(), ",")},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("40Mi"),
			}},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(int64(65534)),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	deployment := in.addon(name, labels, pod, nil, 1)
	// Only control planes have the image.
	deployment.Spec.Template.Spec.NodeSelector["node-role.kubernetes.io/control-plane"] = ""
	return []runtime.Object{
		serviceAccount(name),
		clusterRole("slipway:kubelet-approver",
			rule("certificates.k8s.io", []string{"certificatesigningrequests"}, "get", "list", "watch"),
			rule("certificates.k8s.io", []string{"certificatesigningrequests/approval"}, "update"),
			rule("", []string{"nodes"}, "get", "list", "watch"),
			approve,
		),
		bind("slipway:kubelet-approver", "slipway:kubelet-approver", account(name)),
		deployment,
	}
}

// reserved are the API's own names and addresses.
func (in *Input) reserved() []string {
	c := in.Cluster
	out := []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + c.Network.DNS, c.Network.Services.Addr().Next().String()}
	if c.EndpointName != "" {
		out = append(out, c.EndpointName)
	} else if c.Endpoint.Addr().IsValid() {
		out = append(out, c.Endpoint.Addr().String())
	}
	return append(out, c.PKI.ExtraSANs...)
}
