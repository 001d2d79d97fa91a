package components

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/slipway/slipway/internal/layout"
	"github.com/slipway/slipway/internal/node"
)

// InputsAnnotation makes the kubelet restart a static pod whose certificates or settings changed: it looks at the
// manifest only. It covers all of the pod, too, so that one that runs can be told from one that ran before.
const InputsAnnotation = "slipway.dev/inputs"

// staticPod is the frame that all control-plane pods share.
type staticPod struct {
	name      string
	node      string
	image     node.Image
	command   []string
	cpu       string
	mounts    []mount
	inputs    []node.Resource // files whose change must restart the pod
	liveness  *corev1.HTTPGetAction
	readiness *corev1.HTTPGetAction
	security  *corev1.SecurityContext
}

// mount is a path of the machine, seen at the same path in the container.
type mount struct {
	path  string
	write bool
	file  bool
}

// resource renders the pod as its manifest file.
func (p staticPod) resource() (node.Resource, error) {
	pod := p.pod()
	spec, err := encode(pod)
	if err != nil {
		return node.Resource{}, err
	}
	all := append(slices.Clone(p.inputs), textFile("the pod itself", 0, spec))
	mark := fingerprint(all, p.image)
	pod.Annotations, pod.UID = map[string]string{InputsAnnotation: mark}, p.uid(mark)
	text, err := encode(pod)
	if err != nil {
		return node.Resource{}, err
	}
	return textFile(path.Join(layout.Manifests, p.name+".yaml"), 0o600, text), nil
}

// uid identifies the pod as it is to the kubelet, which otherwise makes one up from its own in-memory form of it: another version
// does so otherwise, and would start all static pods anew, etcd among them, whenever the kubelet changes.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/config/common.go
func (p staticPod) uid(mark string) types.UID {
	sum := sha256.Sum256([]byte(p.node + "/" + p.name + "/" + mark))
	return types.UID(hex.EncodeToString(sum[:])[:32])
}

func (p staticPod) pod() *corev1.Pod {
	container := corev1.Container{
		Name: p.name, Image: p.image.Ref, ImagePullPolicy: corev1.PullNever, Command: p.command,
		SecurityContext: p.security,
		LivenessProbe:   probe(p.liveness, 10, 8), StartupProbe: probe(p.liveness, 1, 300), ReadinessProbe: probe(p.readiness, 1, 3),
	}
	if p.cpu != "" {
		container.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(p.cpu)}
	}
	pod := &corev1.Pod{
		TypeMeta: typeMeta("v1", "Pod"),
		ObjectMeta: metav1.ObjectMeta{
			Name: p.name, Namespace: metav1.NamespaceSystem,
			Labels: map[string]string{"component": p.name, "tier": "control-plane"},
		},
		Spec: corev1.PodSpec{
			HostNetwork: true, PriorityClassName: "system-node-critical", Priority: ptr.To(int32(2000001000)),
			SecurityContext: &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		},
	}
	for _, m := range p.mounts {
		volume, mounted := m.volume()
		pod.Spec.Volumes = append(pod.Spec.Volumes, volume)
		container.VolumeMounts = append(container.VolumeMounts, mounted)
	}
	pod.Spec.Containers = []corev1.Container{container}
	return pod
}

func (m mount) volume() (corev1.Volume, corev1.VolumeMount) {
	kind := corev1.HostPathDirectoryOrCreate
	if m.file {
		kind = corev1.HostPathFile
	}
	name := volumeName(m.path)
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: m.path, Type: &kind}}},
		corev1.VolumeMount{Name: name, MountPath: m.path, ReadOnly: !m.write}
}

// volumeName turns a path into a DNS label: /etc/kubernetes/pki → etc-kubernetes-pki.
func volumeName(p string) string {
	out := make([]byte, 0, len(p))
	for _, c := range []byte(p[1:]) {
		if c == '/' || c == '.' || c == '_' {
			c = '-'
		}
		out = append(out, c)
	}
	return string(out)
}

// probe asks every period seconds; failures in a row end it. Startup allows five minutes: a slow
// disk must not turn into a restart loop.
func probe(get *corev1.HTTPGetAction, period, failures int32) *corev1.Probe {
	if get == nil {
		return nil
	}
	return &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: get},
		PeriodSeconds: period, TimeoutSeconds: 15, FailureThreshold: failures,
	}
}

func httpGet(scheme corev1.URIScheme, host string, port int, path string) *corev1.HTTPGetAction {
	return &corev1.HTTPGetAction{Scheme: scheme, Host: host, Port: intstr.FromInt32(int32(port)), Path: path}
}

// fingerprint is a hash over the paths and contents of files, and of the image itself, which may be
// another under the same name. It reveals nothing of a secret key.
func fingerprint(inputs []node.Resource, image node.Image) string {
	h := sha256.New()
	h.Write([]byte(image.Manifest.Digest))
	for _, r := range inputs {
		if r.File != nil {
			sum := sha256.Sum256(r.File.Content)
			h.Write([]byte(r.File.Path))
			h.Write(sum[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// inputsOf makes a workload roll when its image or the settings that it reads from a ConfigMap change.
func (in *Input) inputsOf(image string, data map[string]string) map[string]string {
	var files []node.Resource
	for _, name := range slices.Sorted(maps.Keys(data)) {
		files = append(files, textFile(name, 0, []byte(data[name])))
	}
	return map[string]string{InputsAnnotation: fingerprint(files, in.Payload.Images[image])}
}
