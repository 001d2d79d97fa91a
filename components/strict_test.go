package components

import (
	"path"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	proxyv1 "k8s.io/kube-proxy/config/v1alpha1"
	kubeletv1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/spec"
	"github.com/slipway/slipway/pki"
)

// strict decodes as Kubernetes' own programs do, and refuses what they would ignore: unknown and doubled fields.
var strict = sync.OnceValues(func() (runtime.Decoder, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, kubeletv1.AddToScheme, proxyv1.AddToScheme, apiserverv1.AddToScheme, auditv1.AddToScheme,
	} {
		if err := add(s); err != nil {
			return nil, err
		}
	}
	return serializer.NewCodecFactory(s, serializer.EnableStrict).UniversalDeserializer(), nil
})

// decode returns text as the type that it says it is.
func decode[T runtime.Object](t *testing.T, name string, text []byte) T {
	t.Helper()
	decoder, err := strict()
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := decoder.Decode(text, nil, nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	typed, ok := o.(T)
	if !ok {
		t.Fatalf("%s is a %T", name, o)
	}
	return typed
}

func TestStrictlyDecodableFiles(t *testing.T) {
	each(t, func(t *testing.T, in *Input, n spec.Node) {
		seen := map[string]bool{}
		for _, r := range in.state(t, n.Name) {
			if r.File == nil {
				continue
			}
			p, text := r.File.Path, r.File.Content
			kind := "other"
			switch {
			case path.Dir(p) == layout.Manifests:
				checkStaticPod(t, in, p, decode[*corev1.Pod](t, p, text))
				kind = "pod"
			case path.Ext(p) == ".conf" && path.Dir(p) == "/etc/kubernetes":
				config, err := clientcmd.Load(text)
				if err == nil {
					err = clientcmd.ConfirmUsable(*config, "")
				}
				if err != nil {
					t.Errorf("%s: %v", p, err)
				}
			case p == "/var/lib/kubelet/config.yaml":
				decode[*kubeletv1.KubeletConfiguration](t, p, text)
			case p == auditPolicyPath:
				decode[*auditv1.Policy](t, p, text)
			case p == authenticationPath:
				decode[*apiserverv1.AuthenticationConfiguration](t, p, text)
			case p == pki.EncryptionPath:
				decode[*apiserverv1.EncryptionConfiguration](t, p, text)
			case path.Ext(p) == ".yaml":
				t.Errorf("%s: nothing here says what it is", p)
			}
			seen[kind] = true
		}
		if n.Role != spec.Worker && !seen["pod"] {
			t.Error("no static pod")
		}
	})
}

// checkStaticPod checks what the API server would check on a mirror pod and the kubelet does not.
func checkStaticPod(t *testing.T, in *Input, name string, pod *corev1.Pod) {
	t.Helper()
	if pod.Name+".yaml" != path.Base(name) || pod.Namespace != "kube-system" || !pod.Spec.HostNetwork {
		t.Errorf("%s holds pod %s/%s, host network %t", name, pod.Namespace, pod.Name, pod.Spec.HostNetwork)
	}
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		if volumes[v.Name] {
			t.Errorf("%s: two volumes %q", name, v.Name)
		}
		volumes[v.Name] = true
	}
	for _, c := range pod.Spec.Containers {
		if c.ImagePullPolicy != corev1.PullNever || !in.offers(c.Image) {
			t.Errorf("%s: image %s, pulled %s", name, c.Image, c.ImagePullPolicy)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s mounts %q, which is no volume", name, m.Name)
			}
		}
		for _, arg := range c.Command {
			if flag, value, ok := strings.Cut(arg, "="); ok && value == "" {
				t.Errorf("%s: %s is empty", name, flag)
			}
		}
	}
}

func (in *Input) offers(ref string) bool {
	for _, image := range in.Payload.Images {
		if image.Ref == ref {
			return true
		}
	}
	return false
}

func TestStrictlyDecodableObjects(t *testing.T) {
	for _, name := range cases() {
		in := load(t, name)
		objects, err := in.Objects()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			id := name + ": " + o.GetKind() + " " + o.GetName()
			text, err := yaml.Marshal(o.Object)
			if err != nil {
				t.Fatal(err)
			}
			if o.GetKind() == "APIService" { // of the aggregator, whose types the scheme has not
				continue
			}
			decode[runtime.Object](t, id, text)
			if o.GetKind() != "ConfigMap" || o.GetName() != "kube-proxy" {
				continue
			}
			config := decode[*corev1.ConfigMap](t, id, text).Data
			proxy := decode[*proxyv1.KubeProxyConfiguration](t, id, []byte(config["config.conf"]))
			if string(proxy.Mode) != in.Cluster.Network.Proxy {
				t.Errorf("%s: mode %s", id, proxy.Mode)
			}
			if _, err := clientcmd.Load([]byte(config["kubeconfig.conf"])); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
}

// TestObjectsAreWhole: the accounts that pods run under, and the roles that bindings name, are there.
func TestObjectsAreWhole(t *testing.T) {
	in := load(t, "vip")
	objects, err := in.Objects()
	if err != nil {
		t.Fatal(err)
	}
	have, order := map[string]bool{}, map[string]int{}
	for i, o := range objects {
		id := o.GetKind() + " " + o.GetName()
		if have[id] {
			t.Errorf("two of %s", id)
		}
		have[id], order[id] = true, i
	}
	builtIn := map[string]bool{
		"cluster-admin": true, "system:kubelet-api-admin": true, "system:node-proxier": true, "system:auth-delegator": true,
		"extension-apiserver-authentication-reader": true,
	}
	for i, o := range objects {
		needs := []string{}
		if account, ok, _ := unstructured.NestedString(o.Object, "spec", "template", "spec", "serviceAccountName"); ok {
			needs = append(needs, "ServiceAccount "+account)
		}
		if role, ok, _ := unstructured.NestedString(o.Object, "roleRef", "name"); ok && !builtIn[role] {
			needs = append(needs, "ClusterRole "+role)
		}
		for _, id := range needs {
			if !have[id] || order[id] > i {
				t.Errorf("%s %s needs %s before it", o.GetKind(), o.GetName(), id)
			}
		}
	}
}
